import Canonical
import LinearAlgebra

extension TransferInitialisation {
  /// The old layer's tensors along the channels of its values, one channel per row.
  private struct ValueChannels {
    let v: Matrix
    let o: Matrix
    let norm: Matrix
    let gate: Matrix?
    let taps: Matrix?
  }

  private func oldChannels() throws -> ValueChannels {
    let count = old.valueChannels
    let norm = try matrix("norm", old.valueDim, 1)
    return ValueChannels(
      v: try matrix("v", count, H), o: try matrix("o", H, count).transposed,
      norm: Matrix(
        rows: count, columns: 1,
        values: (0..<old.valueHeads).flatMap { _ in norm.values }),
      gate: try old.gateRows(tensors),
      taps: keepsTaps ? try matrix("conv.v", count, old.taps) : nil)
  }

  /// Values, output gate, norm and output projection, group by group.
  mutating func addValues() throws {
    let channels = try oldChannels()
    let count = new.heads * new.valueDim
    var v = drawn("v", count, H)
    var g = drawn("g", count, H)
    var taps = drawn("conv.v", count, new.taps)
    var o = Matrix(rows: count, columns: H)
    var norm = drawn("norm", count, 1)
    for group in HeadGroups(old: old.valueHeads, new: new.heads).groups {
      let from = group.old.scaled(by: old.valueDim)
      let to = group.new.scaled(by: new.valueDim)
      let read = channels.o.rows(from).scaledRows(by: channels.norm.rows(from))
      // What a channel does is its row of v times what is read of it, the norm and the output projection. Where
      // new channels take the places of old ones these are kept apart, else only their product has a meaning.
      let mixture = ChannelMixture(
        written: channels.v.rows(from), read: read, count: to.count)
      let weights = mixture.writing
      v.replace(to, mixture.filled(weights * channels.v.rows(from), from: v.rows(to)))
      o.replace(to, mixture.reading * (mixture.isPlacement ? channels.o.rows(from) : read))
      if mixture.isPlacement {
        norm.replace(to, mixture.filled(weights * channels.norm.rows(from), from: norm.rows(to)))
      }
      // Gates and taps are not linear in the channels: their averages stand for a mixture.
      if let gate = channels.gate?.rows(from) {
        g.replace(to, mixture.filled(ChannelMixture.averages(weights, gate), from: g.rows(to)))
      }
      if let old = channels.taps?.rows(from) {
        taps.replace(to, mixture.filled(ChannelMixture.averages(weights, old), from: taps.rows(to)))
      }
    }
    set("v", v)
    if channels.gate != nil { set("g", g) }
    if channels.taps != nil { set("conv.v", taps) }
    set("o", o.transposed)
    set("norm", norm)
  }
}

extension Range<Int> {
  /// The channels of some heads.
  fileprivate func scaled(by factor: Int) -> Range<Int> {
    lowerBound * factor..<upperBound * factor
  }
}

extension Matrix {
  /// Puts the rows of another matrix in the place of some.
  fileprivate mutating func replace(_ range: Range<Int>, _ rows: Matrix) {
    values.replaceSubrange(
      range.lowerBound * columns..<range.upperBound * columns, with: rows.values)
  }

  /// Every row multiplied by the value in the same row of a column.
  fileprivate func scaledRows(by factors: Matrix) -> Matrix {
    var result = self
    for index in values.indices { result.values[index] *= factors.values[index / columns] }
    return result
  }
}
