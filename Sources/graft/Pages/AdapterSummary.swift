import Diagnostics
import JSON
import Opening
import Reports

extension AdapterRecord {
  /// What was merged, in a line.
  var text: String {
    let counts = [(products, "product"), (replaced, "replacement")].filter { $0.0 > 0 }
      .map { Quantity.of($0.0, $0.1) }
    let names = files.map(\.name).joined(separator: ", ")
    let changes = "\(counts.joined(separator: " and ")) in \(Quantity.of(tensors.count, "tensor"))"
    return "\(names) (\(changes)\(scale == 1 ? "" : ", scale \(scale)"))"
      + (dequantised.map { ", packed weights dequantised and rounded once to \($0)" } ?? "")
  }

  /// What was merged, module by module, those together that change in the same way, and which tensors are not the bytes
  /// of the base any more.
  var lines: [String] {
    var table = TextTable(header: ["change", "rank", "scale", "modules"], leading: 4)
    for group in groups {
      for names in NameFolding.fold(group.map(\.module)) {
        table.add([
          group[0].kind.rawValue, group[0].rank.map(String.init) ?? "-",
          group[0].scale.map { "\($0)" } ?? "-", names,
        ])
      }
    }
    return ["adapter \(text)"] + table.lines(width: Terminal.columns)
      + ["  no longer the bytes of the base:"] + NameFolding.fold(tensors).map { "    \($0)" } + [
        ""
      ]
  }

  /// Changes of one kind, rank and scale, in the order of the first of them.
  private var groups: [[Change]] {
    var places: [Change: Int] = [:]
    var groups: [[Change]] = []
    for change in changes {
      let kind = Change(module: "", kind: change.kind, rank: change.rank, scale: change.scale)
      let place = places[kind] ?? groups.count
      if place == groups.count {
        places[kind] = place
        groups.append([])
      }
      groups[place].append(change)
    }
    return groups
  }

  /// The record with every change.
  var wholeJSON: JSONObject {
    var json = json
    json["changes"] = .array(changes.map { .object($0.json) })
    return json
  }
}
