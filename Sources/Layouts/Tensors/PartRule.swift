import Canonical
import Diagnostics
import JSON

/// What a layout file says of one canonical part of a stored tensor.
public struct PartRule: Hashable, Sendable {
  /// The role that fills the part.
  public let role: String
  /// The extent of the part in each group of the woven axis; nil for a tensor of one part.
  public let size: SizeExpression?
  /// When the part is there.
  public let condition: Condition
  /// Steps of this part alone, before it is woven.
  public let steps: [LayoutStep]
}

extension PartRule {
  init(_ value: JSONValue, tables: [String: [Int]]) throws {
    let fields = try FormatValue.array(value)
    guard fields.count == 2 || fields.count == 3 else {
      throw FormatValue.wrong(value, "[role, size] or [role, size, {when, ops}]")
    }
    role = try locating(.place("[0]")) { try Self.role(fields[0]) }
    size = try locating(.place("[1]")) { try FormatValue.size(fields[1]) }
    (condition, steps) = try locating(.place("[2]")) {
      var options = try FormatObject(
        fields.count == 3 ? fields[2] : .object(JSONObject()), "a part")
      let condition = try options.condition()
      let steps = try LayoutStep.list(&options, tables)
      try options.finish()
      return (condition, steps)
    }
  }

  /// The part that is all of a tensor.
  init(whole value: JSONValue) throws {
    (role, size, condition, steps) = (try Self.role(value), nil, .always, [])
  }

  private static func role(_ value: JSONValue) throws -> String {
    let role = try FormatValue.string(value)
    guard RoleTable.shape(role) != nil else {
      throw Problem(.invalid, "a layout file names an unknown role", found: role)
    }
    return role
  }
}
