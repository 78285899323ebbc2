import Canonical
import Containers
import Diagnostics
import Layouts
import Opening
import Tensors

/// What a conversion changes besides the layout.
public struct ConversionOptions: Sendable {
  /// The type for all tensors that may be cast; nil keeps each type.
  public var cast: ScalarType?
  /// Types for tensors by name; the last rule that matches counts.
  public var rules: [TypeRule] = []
  /// What weights are quantised to; nil to quantise none.
  public var quantisation: QuantisationKind?
  /// How many values share a scale; nil for as many as the kind has.
  public var groupSize: Int?
  /// By what errors of quantised weights are weighed; nil for their values alone.
  public var importances: ImportanceMatrix?
  /// The container to write; nil for that of the source in the same layout, else safetensors.
  public var container: Container?
  /// The most tensor bytes in one file; nil for one file.
  public var maximumShardSize: Int?
  /// Where the model stands in what a trainer loads from a distributed checkpoint; nil for a model alone.
  public var keys: StateKeys?
  /// Whether tensors of multi-token prediction are left out.
  public var dropsMTP = false
  /// How many tokens the vocabulary has in the output; nil for those of the source.
  public var vocabulary: VocabularySize?
  /// The kinds of tensors without a place in the target that are left out.
  public var allowed: Set<StrayTensor> = []
  /// Whether programs beside the weights travel, and keys of configs that name them.
  public var allowsCode = false
  /// Whether the target may have another eps in a mixer, which changes what the model computes a little.
  public var allowsEpsilons = false
  /// Whether casts may change values.
  public var allowsLoss = false

  /// Keeps everything as it is, in one file.
  public init() {}

  /// The facts that may have another value in the target.
  var allowedFacts: Set<String> { allowsEpsilons ? FactNames.epsilons : [] }

  /// The container to write.
  /// - Throws: `Problem` of kind `usage` where the layout lives in another one than is asked for.
  func container(from source: OpenedModel, to layout: Layout) throws -> Container {
    let own = layout.container.flatMap(Container.init)
    guard container == nil || own == container || (own == nil && container != .gguf) else {
      throw Problem(
        .usage, "layout \(layout.id) is not written in this container",
        expected: own?.rawValue ?? "any but \(Container.gguf.rawValue)", found: container?.rawValue,
        remedy: "leave --container out, or choose another layout")
    }
    let same = layout.id == source.layout.id ? source.checkpoint.container : .safetensors
    return container ?? own ?? (layout.isOfTrainer ? .torchDist : same)
  }

  /// The keys of a distributed checkpoint.
  /// - Throws: `Problem` of kind `usage` where the container has none.
  func keys(in container: Container) throws -> StateKeys {
    guard keys == nil || container == .dcp else {
      throw Problem(
        .usage, "this container has no keys of a state", expected: Container.dcp.rawValue,
        found: container.rawValue, remedy: "leave --key-prefix out, or give --container dcp")
    }
    return keys ?? .none
  }

  /// Whether the config of an earlier conversion still describes the output: no option changes what it
  /// says.
  var keepsConfig: Bool {
    cast == nil && quantisation == nil && !dropsMTP && allowed.isEmpty && vocabulary == nil
  }

  /// Refuses a pattern that no tensor matches, which most likely is misspelt, and a way of packing beside no
  /// other.
  func checkRules(_ names: [String]) throws {
    for case .kind(let kind) in rules.map(\.choice) where quantisation == nil {
      throw Problem(
        .usage, "weights are packed beside those of a kind", expected: "--quantise and a kind",
        found: "\(kind.rawValue) for some weights alone",
        remedy: "add --quantise, and --dtype-for PATTERN=keep for what stays as it is")
    }
    for rule in rules where !names.contains(where: rule.pattern.matches) {
      throw Problem(
        .usage, "no tensor of the output matches a pattern", found: rule.pattern.text,
        remedy: Suggestion.question(
          rule.pattern.text, in: names,
          or: "look for the name with graft inspect -v; * stands for any text"))
    }
  }

  /// What a rule says of a tensor; nil where none does.
  func choice(for name: String) -> TypeRule.Choice? {
    rules.last { $0.pattern.matches(name) }?.choice
  }

  func cast(for name: String) -> RequestedType {
    switch choice(for: name) {
    case .type(let type): .byName(type)
    case .keep, .kind: .keep
    case nil: cast.map(RequestedType.everywhere) ?? .keep
    }
  }
}

/// A stored name in which `*` stands for any text.
public struct NamePattern: Hashable, Sendable {
  /// The pattern as written.
  public let text: String
  private let pieces: [String]

  /// A pattern as written on the command line.
  public init(_ text: String) {
    self.text = text
    pieces = text.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
  }

  /// Whether a name is of this form.
  public func matches(_ name: String) -> Bool {
    guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else {
      return name == pieces.first
    }
    guard name.hasPrefix(first), name.hasSuffix(last), name.count >= first.count + last.count
    else { return false }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let found = rest.firstRange(of: piece) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
