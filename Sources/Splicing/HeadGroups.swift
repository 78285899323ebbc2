/// Which new heads take the place of which old ones, both in their order and as evenly as can be.
struct HeadGroups {
  /// Some old heads and the new ones in their place; one of the two is a single head.
  struct Group {
    let old: Range<Int>
    let new: Range<Int>
  }

  let groups: [Group]

  init(old: Int, new: Int) {
    func share(_ index: Int, _ count: Int, _ parts: Int) -> Range<Int> {
      index * count / parts..<(index + 1) * count / parts
    }
    groups = (0..<min(old, new)).map { index in
      new >= old
        ? Group(old: index..<index + 1, new: share(index, new, old))
        : Group(old: share(index, old, new), new: index..<index + 1)
    }
  }
}
