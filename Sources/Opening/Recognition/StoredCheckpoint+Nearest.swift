import Containers
import Diagnostics
import Layouts

extension StoredCheckpoint {
  /// The reading in the nearest of several layouts, none of which fits.
  ///
  /// A layout that gives the stored names is nearer than one that gives others. A layout that cannot read
  /// the config says nothing of the tensors: it comes first if the config names this layout, and last
  /// otherwise. Among equals, the one with fewest problems is nearest.
  func nearest<Reading>(
    of layouts: [Layout], _ readings: [Result<Reading, Error>]
  ) -> Result<Reading, Error> {
    let names = tensors.map(\.name)
    let distances = zip(layouts, readings).map { layout, reading in
      (strangers: layout.strangers(in: names).count, problems: weight(of: reading, in: layout))
    }
    let nearest = distances.indices.min { distances[$0] < distances[$1] }
    return readings[nearest ?? 0]
  }

  /// The number of problems of a layout besides names.
  private func weight(of reading: Result<some Any, Error>, in layout: Layout) -> Int {
    guard case .failure(let error) = reading else { return 0 }
    let problems = error.asProblems
    guard problems.first?.file?.hasSuffix(Self.configName) == true else { return problems.count }
    return layout.isNamed(by: config) ? 0 : Int.max
  }
}
