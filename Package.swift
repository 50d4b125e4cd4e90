// swift-tools-version:6.2
import PackageDescription

let api: Target.Dependency = .product(name: "CentramPluginAPI", package: "CentramPluginAPI")
let stamp: Target.Dependency = .product(name: "CentramPluginStamp", package: "CentramPluginAPI")

let swift: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]
/// Kernels are slow without optimisation, so they have it in debug builds too. No other flag: no fast-math.
let kernels: [CSetting] = [.unsafeFlags(["-O3"], .when(configuration: .debug))]

/// A plugin is one folder, one target and one dynamic library. Leaves are what it may use besides the API.
struct Plugin {
  let kind: String, name: String, leaves: [Target.Dependency]
  var target: String { "\(kind)_\(name)" }
  init(_ kind: String, _ name: String, _ leaves: [Target.Dependency] = []) { (self.kind, self.name, self.leaves) = (kind, name, leaves) }
}

let numerics: [Target.Dependency] = ["CentramNumerics"]
let linearAlgebra: [Target.Dependency] = ["CentramLinearAlgebra"]
let plugins: [Plugin] = [
  Plugin("MergeOperators", "Linear", numerics),
  Plugin("MergeOperators", "LoraCat"),
  Plugin("MergeOperators", "LoraSVD", linearAlgebra),
  Plugin("MergeOperators", "CoreSpace", linearAlgebra),
  Plugin("MergeOperators", "Peft", linearAlgebra),
]

let package = Package(
  name: "centram",
  products: [
    .executable(name: "centram-host", targets: ["centram-host"]),
    .library(name: "CentramHost", targets: ["CentramHost"]),
    .library(name: "CentramPluginTesting", targets: ["CentramPluginTesting"]),
  ] + plugins.map { .library(name: "centram_\($0.target)", type: .dynamic, targets: [$0.target]) },
  dependencies: [
    .package(path: "Sources/CentramPluginAPI"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "CFFI", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .target(name: "CSystem"),
    .target(name: "CKernels", cSettings: kernels),
    .target(name: "CentramNumerics", dependencies: ["CKernels"], swiftSettings: swift),
    .target(name: "CentramLinearAlgebra", dependencies: ["COpenBLAS"], swiftSettings: swift),
    .target(name: "CentramHost", dependencies: [api, "CSodium", "CFFI", "CSystem"], swiftSettings: swift),
    .target(name: "CentramModel", dependencies: ["CentramNumerics", "CKernels"], swiftSettings: swift),
    .target(
      name: "CentramNode",
      dependencies: [api, "CentramHost", "CentramModel", "CentramNumerics", "CXXHash", "CSystem", .product(name: "Yams", package: "Yams")],
      swiftSettings: swift),
    .target(name: "CentramPluginTesting", dependencies: [api, "CentramHost"], swiftSettings: swift),
    .executableTarget(
      name: "centram-host",
      dependencies: [api, "CentramHost", "CentramModel", "CentramNode", "CentramPluginTesting", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: swift,
      linkerSettings: [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/centram"])]),
    .testTarget(name: "CentramHostTests", dependencies: [api, "CentramHost", "CentramPluginTesting"], swiftSettings: swift),
    .testTarget(name: "CentramModelTests", dependencies: ["CentramModel"], swiftSettings: swift),
    .testTarget(name: "CentramNodeTests", dependencies: [api, "CentramNode", "CentramModel", "CentramHost", "CentramPluginTesting"], swiftSettings: swift),
    .testTarget(
      name: "AdapterTests",
      dependencies: [
        api, "CentramNode", "CentramModel", "CentramHost", "CentramLinearAlgebra", "CentramPluginTesting", "MergeOperators_LoraCat",
        "MergeOperators_LoraSVD", "MergeOperators_CoreSpace", "MergeOperators_Peft", "MergeOperators_Linear",
      ],
      swiftSettings: swift),
  ] + plugins.map {
    .target(name: $0.target, dependencies: [api, stamp] + $0.leaves, path: "Plugins/\($0.kind)/\($0.name)", swiftSettings: swift)
  },
  swiftLanguageModes: [.v6]
)
