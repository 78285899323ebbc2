import Tensors

/// The numbers that ggml gives to types (`enum ggml_type`).
enum GGUFTensorTypes {
  private static let codes: [ScalarType: UInt32] = [
    .f32: 0, .f16: 1, .q4Zero: 2, .q4One: 3, .q5Zero: 6, .q5One: 7, .q8Zero: 8, .q8One: 9,
    .q2K: 10, .q3K: 11, .q4K: 12, .q5K: 13, .q6K: 14, .q8K: 15, .iq2XXS: 16, .iq2XS: 17,
    .iq3XXS: 18, .iq1S: 19, .iq4NL: 20, .iq3S: 21, .iq2S: 22, .iq4XS: 23, .i8: 24, .i16: 25,
    .i32: 26, .i64: 27, .f64: 28, .iq1M: 29, .bf16: 30, .tq1Zero: 34, .tq2Zero: 35, .mxfp4: 39,
    .nvfp4: 40, .q1Zero: 41, .q2Zero: 42,
  ]

  private static let types = Dictionary(uniqueKeysWithValues: codes.map { ($1, $0) })

  /// The number of a type; nil for a type that ggml does not have.
  static func code(of type: ScalarType) -> UInt32? { codes[type] }

  /// The type of a number; nil for an unknown one.
  static func type(of code: UInt32) -> ScalarType? { types[code] }

  /// Types of ik_llama.cpp, and some that ggml once had or that other forks have.
  private static let foreign: [UInt32: String] = [
    4: "Q4_2 of ggml before 2023", 5: "Q4_3 of ggml before 2023",
    31: "Q4_0_4_4 of ggml before 2025", 32: "Q4_0_4_8 of ggml before 2025",
    33: "Q4_0_8_8 of ggml before 2025", 36: "I2_S of BitNet",
    133: "Q6_0 of ik_llama.cpp", 134: "IQ1_BN of ik_llama.cpp", 135: "IQ2_BN of ik_llama.cpp",
    137: "IQ2_K of ik_llama.cpp", 138: "IQ3_K of ik_llama.cpp", 139: "IQ4_K of ik_llama.cpp",
    140: "IQ5_K of ik_llama.cpp", 141: "IQ6_K of ik_llama.cpp", 144: "IQ4_KS of ik_llama.cpp",
    145: "IQ2_KS of ik_llama.cpp", 146: "IQ4_KSS of ik_llama.cpp", 152: "IQ5_KS of ik_llama.cpp",
    153: "IQ2_KT of ik_llama.cpp", 154: "IQ3_KT of ik_llama.cpp", 155: "IQ4_KT of ik_llama.cpp",
    156: "IQ3_KS of ik_llama.cpp", 157: "IQ2_KL of ik_llama.cpp", 158: "IQ1_KT of ik_llama.cpp",
  ]

  /// What is known of a number that is none of ggml's types.
  static func description(ofForeign code: UInt32) -> String {
    foreign[code].map { "\(code), \($0)" } ?? "\(code)"
  }

  /// What `general.file_type` says of a file most of whose weights have a type
  /// (`enum llama_ftype`); nil for types that Graft does not write.
  static func fileType(mostly type: ScalarType) -> UInt32? {
    switch type {
    case .f32: 0
    case .f16: 1
    case .q8Zero: 7
    case .bf16: 32
    default: nil
    }
  }
}
