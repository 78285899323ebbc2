import Containers
import Conversion
import Diagnostics
import Layouts
import Opening

extension ConvertCommand {
  /// The options that decide what is written, by name.
  func named(_ chosen: ConversionOptions) -> [String: String] {
    let options: [String: String?] = [
      "--to": layout, "--form": form, "--container": container?.rawValue, "--dtype": dtype.rawValue,
      "--quantise": quantise?.rawValue, "--imatrix": chosen.importances?.identity,
      "--group-size": groupSize.map { "\($0)" },
      "--dtype-for": chosen.rules.map(\.text).joined(separator: ","),
      "--max-shard-size": maxShardSize,
      "--mtp": mtp.rawValue, "--allow": allow.map(\.rawValue).sorted().joined(separator: ","),
      "--vocabulary": vocabulary, "--key-prefix": keyPrefix, "--from": source.from,
      "--assume": source.assume.joined(separator: ","),
    ]
    return options.compactMapValues { $0 }
  }

  func options() throws -> ConversionOptions {
    var options = ConversionOptions()
    options.cast = dtype.type
    options.quantisation = quantise
    options.groupSize = groupSize
    options.container = container
    options.importances = try imatrix.map { try ImportanceMatrix($0) }
    options.rules =
      try (dtypeRules.map { try TypeRule.rules(in: $0) } ?? []) + dtypeFor.map { try TypeRule($0) }
    options.maximumShardSize = try ByteSize(maxShardSize).bytes
    options.keys = try keyPrefix.map(StateKeys.init)
    options.dropsMTP = mtp == .drop
    options.vocabulary = try vocabulary.map(VocabularySize.init)
    options.allowsLoss = allow.contains(.lossy)
    options.allowed = strays.subtracting([.prediction])
    options.allowsCode = allow.contains(.code)
    options.allowsEpsilons = allow.contains(.eps)
    return options
  }
}
