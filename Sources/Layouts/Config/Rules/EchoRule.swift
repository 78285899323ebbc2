import Canonical
import JSON

/// `echo`: a key that readers expect and that says nothing more than another one does.
///
/// It is written from a fact and never read: libraries fill in a number of their own where it is missing, and save
/// that.
struct EchoRule: ConfigRule {
  static let tellingKeys = ["echo"]

  let weight: KeyWeight
  private let fact: String

  init(_ object: inout FormatObject, at key: ConfigKey, _ pairs: SharedPairs) throws {
    fact = try object.required("echo", FormatValue.fact(file:))
    weight = .inert(try object.string("because"))
  }

  var facts: Set<String> { [fact] }
  var isReadAsWritten: Bool { false }

  func value(for facts: Facts) -> JSONValue? { facts[fact]?.json }
}
