import Canonical
import Diagnostics
import JSON
import Layouts

/// A model compared, fact by fact, with what a layout would write of it and read back.
public struct LayoutComparison: Sendable {
  /// What became of a fact.
  public enum Verdict: String, Sendable {
    case same
    /// The layout means another value.
    case differs
    /// The layout means another value, which the user takes.
    case allowed
    /// The layout has no words for the value.
    case unsaid
    /// Readers of the layout refuse or misread the value, though its config can say it.
    case limited
  }

  /// A fact of the model or of several layers.
  public struct Row: Sendable {
    /// The name of the fact.
    public let fact: String
    /// The layers, for a fact of layers.
    public let layers: [Int]
    /// The value in the model.
    public let here: FactValue
    /// The value in the layout; none where it has no words for it.
    public let there: FactValue
    /// How they compare.
    public let verdict: Verdict
  }

  /// The facts that decide what the model computes.
  public let rows: [Row]
  /// The configuration that the layout reads from its own config; nil where it cannot.
  private let configuration: ModelConfiguration?
  private let layout: String
  private let unreadable: [Problem]
  private let breaches: [Problem]
  private let channels: ChannelDecay?

  /// Reads the config that a layout would write and compares it with the model.
  /// - Parameter isWritten: whether the model comes from another layout; only then the limits of the layout
  ///   matter.
  /// - Parameter allowed: the facts that may have another value there.
  package init(
    _ model: ModelConfiguration, isSaidBy config: JSONValue, in layout: Layout, isWritten: Bool,
    allowing allowed: Set<String> = []
  ) {
    self.layout = layout.id
    channels = ChannelDecay(model, in: layout)
    // Facts that the layout cannot hold, and facts that it cannot express.
    breaches = isWritten ? layout.breaches(model) : []
    let broken = isWritten ? layout.brokenFacts(model) : []
    let limited = Self.rows(broken, .limited)
    // Several keys may say the same of a layer.
    let unsaid = Set(
      layout.unsaid(model).flatMap { item in
        item.facts.map {
          FactComparison(fact: $0.key, layer: item.layer, here: $0.value, there: .none)
        }
      })
    let missing = Self.rows(
      unsaid.sorted {
        ($0.fact, $0.layer ?? -1, $0.here.text) < ($1.fact, $1.layer ?? -1, $1.here.text)
      }, .unsaid)
    do {
      // All other facts: those of the model against those that the layout reads back.
      let there = try layout.configuration(from: config)
      let facts = Set(unsaid.map(\.fact))
      let limits = Set(broken.map(\.fact))
      let compared = model.comparison(with: there).filter {
        !facts.contains($0.fact) && !($0.agrees && limits.contains($0.fact))
      }
      rows =
        missing + limited
        + Self.rows(compared.filter { !$0.agrees && !allowed.contains($0.fact) }, .differs)
        + Self.rows(compared.filter { !$0.agrees && allowed.contains($0.fact) }, .allowed)
        + Self.rows(compared.filter(\.agrees), .same)
      configuration = there
      unreadable = []
    } catch {
      // The layout cannot read the config at all: what it fixes otherwise is the reason, or else the error is.
      rows = missing + limited + Self.rows(layout.fixedOtherwise(model), .differs)
      configuration = nil
      unreadable = rows.isEmpty ? Self.problems(error, layout.id) : []
    }
  }

  /// Joins equal comparisons of several layers into one.
  private static func rows(_ list: [FactComparison], _ verdict: Verdict) -> [Row] {
    var order: [FactComparison] = []
    var layers: [FactComparison: [Int]] = [:]
    for item in list {
      let key = FactComparison(fact: item.fact, layer: nil, here: item.here, there: item.there)
      if layers[key] == nil { order.append(key) }
      layers[key, default: []] += item.layer.map { [$0] } ?? []
    }
    return order.map {
      Row(
        fact: $0.fact, layers: layers[$0] ?? [], here: $0.here, there: $0.there, verdict: verdict)
    }
  }

  private static func problems(_ error: any Error, _ layout: String) -> [Problem] {
    error.asProblems.map { problem in
      var problem = problem
      problem.kind = .unsupported
      problem.what = "layout \(layout) cannot describe this model: " + problem.what
      return problem
    }
  }

  /// What is made of the configuration that the layout reads from its own config.
  /// - Parameter refusals: looks for reasons beyond facts.
  /// - Throws: every reason why the layout cannot hold the model.
  package func bound<Bound>(
    by bind: (ModelConfiguration) throws -> Bound, unless refusals: (Bound) -> [Problem]
  ) throws -> Bound {
    guard let configuration else { throw Problem(all: problems) }
    if !problems.isEmpty {
      let others = (try? bind(configuration)).map(refusals) ?? []
      try Problem.throwIfAny(problems + others)
    }
    let bound = try bind(configuration)
    try Problem.throwIfAny(refusals(bound))
    return bound
  }

  /// Every reason why the layout cannot hold the model, of kind `unsupported`.
  public var problems: [Problem] {
    unreadable + breaches
      + rows.compactMap { row in
        let here = row.here.text + (row.layers.isEmpty ? "" : " in layers \(row.layerText)")
        return switch row.verdict {
        case .same, .limited, .allowed: nil
        case .unsaid:
          Problem(
            .unsupported, "layout \(layout) has no words for \(row.fact)",
            expected: channels?.needed(in: row), found: here + (channels?.found(in: row) ?? ""),
            remedy: Layout.remedy)
        case .differs:
          Problem(
            .unsupported, "layout \(layout) cannot hold this model exactly: \(row.fact)",
            expected: here, found: "\(row.there.text), which the layout means",
            remedy: Layout.remedy)
        }
      }
  }
}

extension LayoutComparison.Row {
  /// The layers as ranges; empty for a fact of the model.
  public var layerText: String { layers.isEmpty ? "" : NameFolding.range(layers) }
}
