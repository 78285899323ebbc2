/// Values that a kernel reads; never aligned, never owned.
public typealias Floats = UnsafePointer<Float>

/// Values that a kernel writes; never aligned, never owned.
public typealias MutableFloats = UnsafeMutablePointer<Float>
