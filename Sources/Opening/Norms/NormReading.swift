import Canonical
import Diagnostics
import Layouts

/// What was added to the norms of a checkpoint, as its values show it and as the user says.
struct NormReading: Sendable {
  /// The norms that may lie around zero, as the layout reads them.
  private let groups: [NormGroup]
  /// What is subtracted from stored weights instead of the number that the layout says.
  private(set) var offsets: [NormKey: Int] = [:]
  /// The parts whose stored form the user has stated; their values are not consulted.
  private(set) var settled: Set<NormPart> = []

  /// Decides what is subtracted from stored norm weights.
  ///
  /// An assumption about one part of the model is taken there as it is. An assumption about all parts is
  /// taken wherever the values confirm it or show nothing; where they confirm the layout, the layout is
  /// followed.
  /// - Throws: `Problem` of kind `unsupported` where no value shows what the user says.
  init(_ groups: [NormGroup], _ assumptions: [Assumption]) throws {
    self.groups = groups
    for case .normOffset(let offset, let part) in assumptions {
      if let part {
        for group in groups where group.key.part == part { offsets[group.key] = offset }
        settled.insert(part)
      } else {
        try assume(offset)
      }
    }
  }

  private mutating func assume(_ offset: Int) throws {
    var isShown = groups.isEmpty
    for group in groups {
      let evidence = Self.evidence(group, among: groups).map { $0 + group.shift }
      if evidence == nil || evidence == offset {
        offsets[group.key] = offset
        isShown = true
      } else if offset == group.shift {
        settled.insert(group.key.part)
        isShown = true
      }
    }
    guard !isShown else { return }
    throw Problem(
      .unsupported, "no norm is stored as it is assumed", expected: "norm-offset=\(offset)",
      found: "values that show what the layout says",
      remedy: "leave --assume out, or say trunk-norm-offset=\(offset) if that is meant")
  }

  /// The number around which the values of a group lie; where they show none, that of its part.
  private static func evidence(_ group: NormGroup, among groups: [NormGroup]) -> Int? {
    group.centre ?? part(group.key.part, of: groups).whole(within: 0.25, tails: 0.5)
  }

  private static func part(_ part: NormPart, of groups: [NormGroup]) -> NormCentre {
    NormCentre(groups.filter { $0.key.part == part }.flatMap(\.values).sorted())
  }
}

extension ValueSign {
  /// What norm weights that multiply as `1 + weight` say, part by part: they lie around 0. Where all norms
  /// of a part, or all of one role in it, lie around another whole number, that number was added when they
  /// were stored.
  static func norms(_ groups: [NormGroup]) -> [ValueSign] {
    NormPart.allCases.compactMap { part in
      let own = groups.filter { $0.key.part == part && !$0.values.isEmpty }
      return own.isEmpty ? nil : sign(of: part, own)
    }
  }

  private static func sign(of part: NormPart, _ groups: [NormGroup]) -> ValueSign {
    let centre = NormCentre(groups.flatMap(\.values).sorted())
    let whole = NormGroup.centre(of: groups)
    let shift = groups[0].shift
    let odd = groups.filter { $0.centre != nil && $0.centre != 0 }
    if let whole, whole != 0 { return contradiction(part, centre.median, whole, shift, "") }
    if let first = odd.first, let whole = first.centre {
      let roles = odd.map(\.key.role).joined(separator: ", ")
      return contradiction(
        part, NormCentre(first.values).median, whole, first.shift, " in \(roles)")
    }
    return ValueSign(
      subject: part.subject, verdict: whole == nil ? .undecided : .agrees,
      text: "median \(rounded(centre.median, shift)), \(shift) expected", remedy: nil)
  }

  private static func contradiction(
    _ part: NormPart, _ median: Float, _ centre: Int, _ shift: Int, _ place: String
  ) -> ValueSign {
    let stored = shift + centre
    return ValueSign(
      subject: part.subject, verdict: .contradicts,
      text: "median \(rounded(median, shift))\(place), which looks as if \(stored) had been "
        + "\(stored < 0 ? "left after something was taken off" : "added"), not \(shift)",
      remedy: (0...2).contains(stored)
        ? "say which with --assume norm-offset=\(stored) or norm-offset=\(shift)"
        : "say that they are right with --assume norm-offset=\(shift), or take the original")
  }

  private static func rounded(_ median: Float, _ shift: Int) -> Double {
    (Double(median + Float(shift)) * 100).rounded() / 100
  }
}
