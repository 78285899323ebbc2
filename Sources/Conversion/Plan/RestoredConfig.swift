import Canonical
import Comparison
import Containers
import JSON
import Layouts
import Opening

/// The config that a model had in a layout before, as far as its record may say it.
///
/// The record gives the form of the config: its keys, their order and spelling. The present config gives
/// the content: its values win, and keys whose meaning it no longer states are left out.
struct RestoredConfig {
  /// The config with its text.
  let text: ConfigText
  /// What the layout reads from it, beside the model.
  let comparison: LayoutComparison
  /// The keys of the record that are left out.
  let dropped: [LeftOut]

  /// Restores a config; nil where the record holds none, or one of another model.
  /// - Parameters:
  ///   - written: the config that would be written without a record.
  init?(
    _ origin: ModelHistory.Origin, insteadOf written: JSONValue, of source: OpenedModel,
    _ configuration: ModelConfiguration, in layout: Layout, allowing allowed: Set<String>
  ) {
    let bytes = Array(origin.config.utf8)
    guard let value = try? JSONValue(parsing: bytes, .python), case .object(let former) = value,
      case .object(let written) = written
    else { return nil }
    var merge = Merge(source, configuration, layout)
    let config = merge.outer(former, written)
    text = ConfigText(value: value, bytes: bytes).changed(to: config)
    dropped = merge.dropped.map {
      LeftOut(.key, "\(Manifest.fileName): \($0)", "only the record has it")
    }
    comparison = LayoutComparison(
      configuration, isSaidBy: config, in: layout, isWritten: true, allowing: allowed)
    guard comparison.problems.isEmpty else { return nil }
  }

  /// Two configs becoming one.
  private struct Merge {
    private(set) var dropped: [String] = []
    private let kind: (String) -> ConfigKeyKind
    private let sourceKind: (String) -> ConfigKeyKind
    private let nested: String?
    /// Whether the source could name tokens; the options of a trainer cannot.
    private let namesTokens: Bool
    /// What the source says of itself.
    private let present: JSONObject

    init(_ source: OpenedModel, _ configuration: ModelConfiguration, _ layout: Layout) {
      kind = layout.keyKinds(configuration)
      sourceKind = source.layout.keyKinds(configuration)
      nested = layout.nestedKey
      namesTokens = !source.layout.isOfTrainer
      present = source.layout.keys(of: source.config.value) ?? [:]
    }

    mutating func outer(_ former: JSONObject, _ written: JSONObject) -> JSONValue {
      guard let nested, let inner = former[nested]?.object else {
        return .object(merged(former, written))
      }
      var (former, written) = (former, written)
      let within = written[nested]?.object ?? [:]
      (former[nested], written[nested]) = (.null, nil)
      var result = merged(former, written, sparing: nested)
      result[nested] = .object(merged(inner, within))
      return .object(result)
    }

    private mutating func merged(
      _ former: JSONObject, _ written: JSONObject, sparing nested: String? = nil
    ) -> JSONObject {
      var result = JSONObject()
      for (key, value) in former.entries {
        let kept = key == nested ? .null : self.value(key, value, written[key])
        if let kept { result[key] = kept } else { dropped.append(key) }
      }
      for (key, value) in written.entries where !result.contains(key) && isNobodys(key) {
        result[key] = value
      }
      return result
    }

    /// Whether a key belongs to neither layout.
    private func isNobodys(_ key: String) -> Bool {
      [kind(key), sourceKind(key)].allSatisfy { $0 == .foreign || $0 == .inert }
    }

    /// The value that a key of the record gets in the restored config; nil if the key is left out.
    private func value(_ key: String, _ former: JSONValue, _ written: JSONValue?) -> JSONValue? {
      switch kind(key) {
      case .fact: former
      case .name: written ?? former
      case .standard: present.contains(key) ? written ?? former : former
      case .inert: written ?? (isPlain(key, former) ? former : JSONValue?.none)
      case .foreign: written ?? (isHarmless(key, former) ? former : JSONValue?.none)
      }
    }

    /// Whether a key of which the present config knows nothing may come back.
    private func isHarmless(_ key: String, _ value: JSONValue) -> Bool {
      if value.isNull { return true }
      guard let stated = TokenizerSettings.metadataKey(key) else { return false }
      return namesTokens ? present[stated] == value : value.int != nil
    }

    /// Whether a key that decides nothing has a value that names no program and describes no other model.
    private func isPlain(_ key: String, _ value: JSONValue) -> Bool {
      value.object == nil && !ProgramKeys.mayName(key)
    }
  }
}
