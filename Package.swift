// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [.swiftLanguageMode(.v6)]

/// A module of the toolkit; it may import only the modules named here, which stand above it.
func module(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: settings)
}

/// As in release builds, files are compiled together, so that they inline each other's functions.
let optimised = SwiftSetting.unsafeFlags(
  ["-O", "-whole-module-optimization", "-num-threads", "1"], .when(configuration: .debug))

/// A module that is optimised in debug builds too, because tests run it most of their time: real models, and
/// thousands of generated ones.
func fast(_ name: String, _ imports: [Target.Dependency]) -> Target {
  .target(
    name: name, dependencies: imports,
    swiftSettings: settings + [optimised])
}

/// The files of `KernelLoops`, compiled again for processors with more instructions.
///
/// The folder is a link to that of `KernelLoops`. `scripts/check-kernels.sh` checks that no other
/// module got code with those instructions.
func loops(_ level: String) -> Target {
  .target(
    name: "KernelLoops" + level, dependencies: ["Kernels"],
    swiftSettings: settings + [
      .define(level), .unsafeFlags(["-Xcc", "-march=x86-64-" + level.lowercased()]),
      optimised,
    ])
}

#if arch(x86_64)
  let processorLoops = ["V3", "V4"].map(loops)
#else
  let processorLoops: [Target] = []
#endif

func tests(
  _ name: String, _ imports: [Target.Dependency], with others: [SwiftSetting] = []
) -> Target {
  .testTarget(
    name: name + "Tests", dependencies: ["GraftTestSupport"] + imports,
    swiftSettings: settings + others)
}

let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")

let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")

let package = Package(
  name: "graft",
  products: [
    .executable(name: "graft", targets: ["graft"]),
    .library(
      name: "Graft",
      targets: [
        "Diagnostics", "Tokenizers", "Containers", "Canonical", "Layouts", "Opening", "Adapters",
        "Comparison", "Conversion", "Runtime", "Splicing", "Verification", "Calibration",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
  ],
  targets: [
    .systemLibrary(name: "CJSONC", pkgConfig: "json-c", providers: [.apt(["libjson-c-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["libz-dev"])]),
    .target(name: "CPlatform"),
    .target(
      name: "CSHA256", cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
    module("Platform", []),
    module("Diagnostics", []),
    fast("Digests", ["CSHA256"]),
    module("Reports", ["Diagnostics", "Platform"]),
    fast("Tensors", ["Diagnostics", "Platform", "CPlatform", systemPackage]),
    fast("JSON", ["Diagnostics", "CJSONC"]),
    fast("Packing", ["Diagnostics", "Platform", "Tensors", "JSON"]),
    module("Tokenizers", ["Diagnostics", "Tensors", "JSON", heap, systemPackage]),
    fast(
      "Containers",
      [
        "Diagnostics", "Platform", "CPlatform", "Tensors", "JSON", "Packing", "CZlib",
        systemPackage,
      ]),
    fast("Canonical", ["Diagnostics", "Platform", "Tensors", "Packing"]),
    .target(
      name: "Layouts", dependencies: ["Diagnostics", "Tensors", "JSON", "Canonical"],
      swiftSettings: settings + [optimised], plugins: ["EmbedFormats"]),
    .executableTarget(name: "embed-formats", swiftSettings: settings),
    .executableTarget(
      name: "embed-version", exclude: ["commit.txt"], swiftSettings: settings),
    .plugin(name: "EmbedVersion", capability: .buildTool(), dependencies: ["embed-version"]),
    .plugin(name: "EmbedFormats", capability: .buildTool(), dependencies: ["embed-formats"]),
    fast(
      "Opening",
      [
        "Diagnostics", "Tensors", "JSON", "Packing", "Threads", "Containers", "Canonical",
        "Layouts", "Digests", systemPackage,
      ]),
    fast(
      "Adapters",
      [
        "Diagnostics", "Tensors", "JSON", "Packing", "Containers", "Canonical", "Layouts",
        "Opening",
        systemPackage,
      ]),
    fast(
      "Comparison",
      [
        "Diagnostics", "Tensors", "JSON", "Packing", "Threads", "Containers", "Canonical",
        "Layouts", "Opening",
      ]),
    fast(
      "Conversion",
      [
        "Diagnostics", "Platform", "Tensors", "JSON", "Packing", "Threads", "Tokenizers",
        "Containers", "Canonical", "Layouts", "Opening", "Comparison", "Digests", systemPackage,
      ]),
    fast("Threads", ["Platform", "CPlatform"]),
    fast("Kernels", []),
    fast("KernelLoops", ["Kernels"]),
    fast(
      "Runtime",
      [
        "Diagnostics", "Platform", "CPlatform", "Tensors", "Packing", "Threads", "Canonical",
        "Kernels", "KernelLoops",
      ]
        + processorLoops.map { .byName(name: $0.name) }),
    fast("LinearAlgebra", []),
    fast(
      "Splicing", ["Diagnostics", "Tensors", "JSON", "Canonical", "LinearAlgebra", systemPackage]),
    fast(
      "Verification",
      [
        "Diagnostics", "Platform", "Tensors", "JSON", "Containers", "Canonical", "Runtime",
        systemPackage,
      ]),
    fast(
      "Calibration",
      [
        "Diagnostics", "Tensors", "Threads", "Canonical", "Kernels", "Runtime", "LinearAlgebra",
        "Splicing", "Verification",
      ]),
    .executableTarget(
      name: "graft",
      dependencies: [
        "Diagnostics", "Platform", "Tensors", "JSON", "Packing", "Tokenizers", "Containers",
        "Canonical", "Layouts", "Opening", "Adapters", "Comparison", "Conversion", "Runtime",
        "Splicing",
        "Verification", "Calibration", "Reports", argumentParser, systemPackage,
      ],
      swiftSettings: settings, plugins: ["EmbedVersion"]),
    .executableTarget(
      name: "graft-bench",
      dependencies: [
        "Diagnostics", "Tensors", "JSON", "Containers", "Canonical", "Layouts", "Opening",
        "Threads", "Kernels", "Runtime", systemPackage,
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "verify-example",
      dependencies: ["Opening", "Layouts", "Runtime", "Verification", systemPackage],
      path: "Examples/Verify", swiftSettings: settings),
    .executableTarget(
      name: "convert-example",
      dependencies: ["Diagnostics", "Platform", "Conversion", "Layouts", "Opening", systemPackage],
      path: "Examples/Convert", swiftSettings: settings),
    .target(
      name: "GraftTestSupport",
      dependencies: [
        "Diagnostics", "Tensors", "JSON", "Packing", "Containers", "Canonical", "Layouts",
        systemPackage,
      ],
      path: "Tests/GraftTestSupport", swiftSettings: settings + [optimised]),
    tests("Reports", ["Diagnostics", "Reports"]),
    tests("Tensors", ["Diagnostics", "Tensors", systemPackage]),
    tests("Digests", ["Digests", "CSHA256"]),
    tests("JSON", ["Diagnostics", "JSON"]),
    tests(
      "Packing",
      ["Diagnostics", "Tensors", "JSON", "Packing", "Containers", "Digests", systemPackage]),
    tests("Adapters", ["Diagnostics", "Adapters"]),
    tests("Threads", ["Threads"]),
    tests("Tokenizers", ["Diagnostics", "JSON", "Tokenizers", systemPackage]),
    tests(
      "Containers",
      ["Diagnostics", "Platform", "Tensors", "JSON", "Containers", systemPackage]),
    tests("Canonical", ["Diagnostics", "Tensors", "Canonical"]),
    tests("Layouts", ["Diagnostics", "Tensors", "JSON", "Canonical", "Layouts"]),
    tests(
      "Conversion",
      [
        "Diagnostics", "Tensors", "JSON", "Containers", "Canonical", "Layouts", "Opening",
        "Comparison", "Conversion", "Threads", systemPackage,
      ]),
    tests(
      "Runtime",
      ["Diagnostics", "Tensors", "Packing", "Containers", "Canonical", "Kernels", "Runtime"]),
    tests("LinearAlgebra", ["LinearAlgebra"]),
    tests(
      "Splicing",
      ["Diagnostics", "Tensors", "Canonical", "LinearAlgebra", "Splicing", systemPackage]),
    tests(
      "Verification",
      [
        "Diagnostics", "Tensors", "Canonical", "Layouts", "Opening", "Runtime",
        "Verification", systemPackage,
      ]),
    tests(
      "Calibration",
      [
        "Diagnostics", "Threads", "Canonical", "Layouts", "Opening", "Kernels", "Runtime",
        "Splicing", "Verification", "Calibration", systemPackage,
      ]),
    tests(
      "Faults",
      [
        "Diagnostics", "Tensors", "JSON", "Containers", "Canonical", "Layouts", "Opening",
        "Adapters", "Comparison", "Conversion", "Threads", "Runtime", "Verification",
        "Digests", systemPackage,
      ], with: [optimised]),
    tests(
      "Message",
      [
        "Diagnostics", "Tensors", "JSON", "Containers", "Canonical", "Layouts", "Opening",
        "Conversion", "Threads", "Runtime", "Calibration", systemPackage, "graft",
      ]),
    tests(
      "Command",
      [
        "Diagnostics", "Platform", "Tensors", "JSON", "Containers", "Digests", systemPackage,
        "graft",
      ]),
  ] + processorLoops
)

// Built by `make fuzz` alone, because it needs the runtime of libFuzzer.
if Context.environment["GRAFT_FUZZ"] != nil {
  package.targets += [
    .target(name: "CFuzzing", path: "Tests/CFuzzing"),
    .executableTarget(
      name: "graft-fuzz",
      dependencies: [
        "CFuzzing", "Diagnostics", "Platform", "Tensors", "JSON", "Packing", "Tokenizers",
        "Containers", "Canonical", "Layouts", "Splicing", "Verification", systemPackage,
      ],
      path: "Tests/Fuzzing", swiftSettings: settings),
  ]
}
