import Platform

extension Double {
  /// e to the power of this number.
  var exponential: Double { exp(self) }

  /// The natural logarithm.
  var logarithm: Double { log(self) }
}
