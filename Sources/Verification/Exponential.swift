#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Double {
  /// e to the power of this number.
  var exponential: Double { exp(self) }

  /// The natural logarithm.
  var logarithm: Double { log(self) }
}
