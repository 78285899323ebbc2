import Threads

/// What the gate for quantised weights says of one fault in every way of packing that can have it.
struct QuantisedFaultRow: Sendable {
  let id: String
  let what: String
  let ways: [String]
  let found: [QuantisedFaults.Findings]

  /// All faults in all ways.
  static func all() throws -> [QuantisedFaultRow] {
    let pool = ThreadPool(threads: 0)
    let forms = try pool.map(QuantisedFaults.all) { fault in
      QuantisedFaultRow(
        id: fault.id, what: fault.what, ways: fault.forms.map(\.rawValue),
        found: try fault.forms.map { try QuantisedFaults.findings($0, fault) })
    }
    let blocks = try pool.map(BlockFaults.all) { fault in
      QuantisedFaultRow(
        id: fault.id, what: fault.what, ways: fault.types.map(\.rawValue),
        found: try fault.types.map { try BlockFaults.findings($0, fault.kind) })
    }
    return forms + blocks
  }

  /// The ways in which the fault was missed or placed elsewhere.
  var complaints: [String] {
    zip(ways, found).filter { !$1.isPlaced }.map { "\(id) in \($0.0) is missed or misplaced" }
  }

  /// The page with one line for each fault.
  static func page(_ rows: [QuantisedFaultRow]) -> String {
    let table = FaultTables.table(
      ["fault", "what is wrong", "in", "caught", "layer right", "over what rounding explains"],
      rows.map { row in
        let worst = row.found.map(\.worst)
        return [
          "`\(row.id)`", row.what, row.ways.joined(separator: ", "),
          "\(row.found.count { !$0.original.passes })/\(row.found.count)",
          "\(row.found.count(where: \.isPlaced))/\(row.found.count)",
          "\(FaultTables.number(worst.min() ?? 0)) to \(FaultTables.number(worst.max() ?? 0))",
        ]
      })
    return beginning + "\n\n" + table + "\n"
  }

  private static let beginning = """
    # Faults of quantised weights

    `make faults` spoils one weight of one layer of a checkpoint that is quantised and sound otherwise, asks \
    `graft verify --gate quantised` whether rounding explains its difference from the original, and writes this page. A \
    fault that passes, or that is placed in another layer, fails the command. `make test` plants each fault of \
    [fixtures/faults.json](../fixtures/faults.json) too, of blocks of GGUF each in one type.

    The last column says how far the worst tensor is from its original, as root mean square over that of rounding to the \
    nearest level; 1.6 passes. Where a norm is spoilt, what the layer computes decides.
    """
}
