import GraftTestSupport
import JSON
import Testing

@Suite struct JSONObjectTests {
  @Test func settingAppendsReplacesInPlaceAndRemoves() {
    var object: JSONObject = ["a": 1, "b": 2, "c": 3]
    object["d"] = 4
    object["b"] = "two"
    object["a"] = nil
    object["nobody"] = nil
    #expect(object.keys == ["b", "c", "d"])
    #expect(object.entries.map(\.value) == ["two", 3, 4])
    #expect(object["d"] == 4 && object["a"] == nil && object.count == 3 && !object.isEmpty)
  }

  /// An object against a plain list, while members come and go around the number from which on names
  /// have a table.
  @Test func manyMembersAreFoundAsFewAre() {
    var generator = SeededGenerator(seed: 7)
    var object = JSONObject()
    var list: [(key: String, value: JSONValue)] = []
    for step in 0..<2000 {
      let number = Int.random(in: 0..<5, using: &generator)
      let key = ["n", "e\u{301}", "\u{e9}"].randomElement(using: &generator)! + "\(number)"
      let place = list.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
      let value: JSONValue? = Bool.random(using: &generator) ? JSONValue(step) : nil
      object[key] = value
      switch (place, value) {
      case (let place?, let value?): list[place].value = value
      case (let place?, nil): list.remove(at: place)
      case (nil, let value?): list.append((key, value))
      case (nil, nil): break
      }
      #expect(object.keys.map { Array($0.utf8) } == list.map { Array($0.key.utf8) })
      #expect(list.allSatisfy { object[$0.key] == $0.value } && object.count == list.count)
    }
  }

  @Test func theOrderCounts() {
    #expect(JSONObject([("a", 1), ("b", 2)]) != ["b": 2, "a": 1])
    #expect(JSONObject([("a", 1), ("b", 2)]) == ["a": 1, "b": 2])
    #expect(Set([JSONObject([("a", 1)]), ["a": 1]]).count == 1)
  }

  @Test func accessorsGiveNilForOtherKinds() {
    let value: JSONValue = ["int": 3, "number": 2.5, "text": "x", "list": [1], "flag": true]
    #expect(value["int"]?.int == 3 && value["int"]?.number == 3)
    #expect(value["number"]?.int == nil && value["number"]?.number == 2.5)
    #expect(value["text"]?.string == "x" && value["text"]?.number == nil)
    #expect(value["list"]?.array == [1] && value["flag"]?.bool == true)
    #expect(value["nobody"] == nil && value["int"]?["deeper"] == nil)
    #expect(JSONValue.unsigned(.max).int == nil && JSONValue.null.isNull)
  }

  @Test func settingAMemberMakesAnObject() {
    var value: JSONValue = nil
    value["a"] = 1
    value["a"] = 2
    value["b"] = 3
    #expect(value == ["a": 2, "b": 3])
  }
}
