import Tensors
import Testing

/// Headers in the order of the files, each found by its name.
struct StoredHeadersTests {
  @Test func aNameIsFoundAtItsPlace() {
    var stored: StoredHeaders = ["b": (.f32, [2]), "a": (.bf16, [3, 4])]
    #expect(stored.names == ["b", "a"] && stored.count == 2)
    #expect(stored.place(of: "a") == 1 && stored["a"]?.shape == [3, 4])
    #expect(stored["c"] == nil)
    stored.reshape(1, [1, 3, 4])
    #expect(stored["a"]?.shape == [1, 3, 4] && stored.values[1].type == .bf16)
  }

  /// Whoever adds a name again is told where it was, and the places of others stay those of their tensors.
  @Test func aRepeatedNameIsTold() {
    var stored: StoredHeaders = ["b": (.f32, [2]), "a": (.f32, [2])]
    let earlier = stored.append("b", (.f32, [2]))
    #expect(earlier == 0)
    let new = stored.append("c", (.f32, [2]))
    #expect(new == nil && stored.place(of: "c") == 3)
  }
}
