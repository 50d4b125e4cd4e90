// swift-tools-version:6.2
import PackageDescription

let api: Target.Dependency = .product(name: "CentramPluginAPI", package: "CentramPluginAPI")
let stamp: Target.Dependency = .product(name: "CentramPluginStamp", package: "CentramPluginAPI")

/// Set by Scripts/test: warnings are errors there, and only warnings for those who build with a later compiler.
let strict: [SwiftSetting] = Context.environment["CENTRAM_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]
let swift: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
  ] + strict
/// Kernels are slow without optimisation, so they have it in debug builds too. No other flag: no fast-math.
let kernels: [CSetting] = [.unsafeFlags(["-O3"], .when(configuration: .debug)), .unsafeFlags(["-ffunction-sections"])]
/// C code that handles every byte of the network.
let optimised: [CSetting] = [.unsafeFlags(["-O2"], .when(configuration: .debug))]
/// Set by Scripts/install: plugins export their entry and nothing else, so that the linker drops what they do not use. Tests link plugins into
/// themselves and need their symbols.
let small: [LinkerSetting] =
  Context.environment["CENTRAM_INSTALL"] == nil
  ? [] : [.unsafeFlags(["-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map", "-Xlinker", "--gc-sections"])]

/// A plugin is one folder, one target and one dynamic library. Leaves are what it may use besides the API.
struct Plugin {
  let kind: String, name: String, leaves: [Target.Dependency]
  var target: String { "\(kind)_\(name)" }
  init(_ kind: String, _ name: String, _ leaves: [Target.Dependency] = []) { (self.kind, self.name, self.leaves) = (kind, name, leaves) }
}

let adapters: [Target.Dependency] = ["CentramAdapterSupport", "CentramLinearAlgebra"]
let merging: [Target.Dependency] = ["CentramMergeSupport", "CentramNumerics", "CKernels"]
let training: [Target.Dependency] = ["CentramTrainingSupport"]
let gate: [Target.Dependency] = ["CentramGateSupport", "CentramGenome"]
/// Of layers that measure weights or losses.
let measuring: [Target.Dependency] = gate + ["CentramGateStatistics", "CentramNumerics"]
let sockets: [Target.Dependency] = ["NIOCore", "NIOPosix"].map { .product(name: $0, package: "swift-nio") }
let http: [Target.Dependency] = sockets + [.product(name: "NIOHTTP1", package: "swift-nio")]
let plugins: [Plugin] = [
  Plugin("MergeOperators", "ArceeFusion", merging),
  Plugin("MergeOperators", "Breadcrumbs", merging),
  Plugin("MergeOperators", "BreadcrumbsTies", merging),
  Plugin("MergeOperators", "DareLinear", merging),
  Plugin("MergeOperators", "DareTies", merging),
  Plugin("MergeOperators", "Della", merging),
  Plugin("MergeOperators", "DellaLinear", merging),
  Plugin("MergeOperators", "Karcher", merging),
  Plugin("MergeOperators", "Linear", merging),
  Plugin("MergeOperators", "ModelStock", merging),
  Plugin("MergeOperators", "MultiSlerp", merging),
  Plugin("MergeOperators", "NearSwap", merging),
  Plugin("MergeOperators", "NuSlerp", merging),
  Plugin("MergeOperators", "Passthrough", merging),
  Plugin("MergeOperators", "Ram", merging),
  Plugin("MergeOperators", "RamPlusTl", merging),
  Plugin("MergeOperators", "Sce", merging),
  Plugin("MergeOperators", "Slerp", merging),
  Plugin("MergeOperators", "TaskArithmetic", merging),
  Plugin("MergeOperators", "Ties", merging),
  Plugin("MergeOperators", "LoraCat"),
  Plugin("MergeOperators", "LoraSVD", adapters),
  Plugin("MergeOperators", "CoreSpace", adapters),
  Plugin("MergeOperators", "Peft", adapters),
  Plugin("Transport", "Http", ["CentramTransportSupport"] + http),
  Plugin("Transport", "Memory", ["CentramTransportSupport"]),
  Plugin("Transport", "Nats", ["CentramTransportSupport", "CNats"]),
  Plugin("Transport", "Tcp", ["CentramTransportSupport"] + sockets),
  Plugin("Transport", "Quic", ["CQuic", "CUDP"]),
  Plugin("Trainers", "Lora", training),
  Plugin("Trainers", "FullDelta", training),
  Plugin("Trainers", "DPLora", training),
  Plugin("GateLayers", "Format", gate),
  Plugin("GateLayers", "Signature", gate),
  Plugin("GateLayers", "Freshness", gate),
  Plugin("GateLayers", "Lineage", gate),
  Plugin("GateLayers", "Admission", gate),
  Plugin("GateLayers", "Norms", measuring),
  Plugin("GateLayers", "Privacy", measuring + training),
  Plugin("GateLayers", "Consensus", measuring),
  Plugin("GateLayers", "Fitness", measuring),
  Plugin("GateLayers", "Behaviour", measuring),
]
let trainers: [Target.Dependency] = plugins.filter { $0.kind == "Trainers" }.map { .target(name: $0.target) }
let transports: [Target.Dependency] = plugins.filter { $0.kind == "Transport" }.map { .target(name: $0.target) }
/// The layers that need neither losses nor statistics.
let firstLayers: [Target.Dependency] = ["Format", "Signature", "Freshness", "Lineage", "Admission"].map { .target(name: "GateLayers_\($0)") }
/// Those that do.
let measuringLayers: [Target.Dependency] = ["Norms", "Privacy", "Consensus", "Fitness", "Behaviour"].map { .target(name: "GateLayers_\($0)") }
let mergeOperators: [Target.Dependency] = plugins.filter { $0.kind == "MergeOperators" }.map { .target(name: $0.target) }

/// Swift plugins for the host's own tests. Their libraries' names keep hosts from finding them.
let fixtures = ["SwapA", "SwapB", "Ping"]

let package = Package(
  name: "centram",
  products: [
    .executable(name: "centram-host", targets: ["centram-host"]),
    .executable(name: "centram-plugin-runner", targets: ["centram-plugin-runner"]),
    .library(name: "CentramHost", targets: ["CentramHost"]),
    .library(name: "CentramPluginTesting", targets: ["CentramPluginTesting"]),
  ] + plugins.map { .library(name: "centram_\($0.target)", type: .dynamic, targets: [$0.target]) }
    + fixtures.map { .library(name: "centramfixture_\($0)", type: .dynamic, targets: ["Fixture_\($0)"]) },
  dependencies: [
    .package(path: "Sources/CentramPluginAPI"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // Exact, because the code in Sources/CentramWire/Generated was made by this version's generator.
    .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
  ],
  targets: [
    .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CFFI", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
    .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CNats", pkgConfig: "libnats", providers: [.apt(["libnats-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CNgtcp2", pkgConfig: "libngtcp2", providers: [.apt(["libngtcp2-dev", "libngtcp2-crypto-gnutls-dev"])]),
    .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
    .target(
      name: "CQuic", dependencies: ["CNgtcp2", "CGnuTLS"], cSettings: optimised,
      linkerSettings: [.linkedLibrary("ngtcp2_crypto_gnutls"), .linkedLibrary("ngtcp2"), .linkedLibrary("gnutls")]),
    .target(name: "CUDP", cSettings: optimised),
    .target(name: "CHostSystem"),
    .target(name: "CCurl"),
    .target(name: "CentramDownload", dependencies: ["CCurl"], swiftSettings: swift),
    .target(name: "CKernels", cSettings: kernels),
    .target(name: "CModelKernels", cSettings: kernels),
    .target(name: "CentramNumerics", dependencies: ["CKernels"], swiftSettings: swift),
    .target(name: "CentramLinearAlgebra", dependencies: ["COpenBLAS"], swiftSettings: swift),
    .target(name: "CentramMergeSupport", dependencies: [api, "CentramNumerics", "CKernels"], swiftSettings: swift),
    .target(name: "CentramAdapterSupport", dependencies: [api, "CentramLinearAlgebra"], swiftSettings: swift),
    .target(name: "CentramTrainingSupport", dependencies: [api, "CentramNumerics", "CModelKernels"], swiftSettings: swift),
    .target(name: "CentramGenome", dependencies: ["CKernels", "COpenSSL", "CSodium"], swiftSettings: swift),
    .target(name: "CentramGateSupport", dependencies: [api, "CentramGenome"], swiftSettings: swift),
    .target(name: "CentramGateStatistics", dependencies: [api, "CentramGateSupport", "CentramGenome", "CentramLinearAlgebra", "CentramNumerics"], swiftSettings: swift),
    .target(
      name: "CentramWire", dependencies: ["CSodium", .product(name: "SwiftProtobuf", package: "swift-protobuf")], exclude: ["Proto"], swiftSettings: swift),
    .target(name: "CentramStore", dependencies: ["CentramGenome", "CHostSystem", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: swift),
    // The loop over a tensor's blocks, which the host runs and a plugin's own process as well.
    .target(name: "CentramBlocks", dependencies: [api, "CentramNumerics", "CKernels"], swiftSettings: swift),
    // The ways to call a plugin, seen as the API's protocols. A target of its own, so that the host itself stays small.
    .target(name: "CentramLanes", dependencies: [api, "CFFI"], swiftSettings: swift),
    .target(
      name: "CentramHost", dependencies: [api, "CentramLanes", "COpenSSL", "CSodium", "CHostSystem"], swiftSettings: swift),
    .target(name: "CSandbox"),
    .target(name: "CRunnerShim"),
    .target(name: "CentramIsolation", dependencies: [api, "CentramBlocks", "CentramLanes", "CentramNumerics", "CSandbox"], swiftSettings: swift),
    // The program in which an isolated plugin lives. It lies beside the shared libraries, so it finds them there.
    .executableTarget(
      name: "centram-plugin-runner", dependencies: ["CentramIsolation", "CRunnerShim"], swiftSettings: swift,
      linkerSettings: [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN"])]),
    .target(
      name: "CentramPackaging", dependencies: [api, "CentramArchive", "CentramDownload", "CentramHost", "CHostSystem", "CSodium"], swiftSettings: swift),
    .target(name: "CentramArchive", swiftSettings: swift),
    .target(name: "CentramTemplates", dependencies: ["CentramHost", "CHostSystem"], swiftSettings: swift),
    .target(name: "CentramModel", dependencies: ["CentramNumerics", "CKernels", "CModelKernels"], swiftSettings: swift),
    .target(
      name: "CentramNode",
      dependencies: [
        api, "CentramArchive", "CentramBlocks", "CentramDownload", "CentramGenome", "CentramHost", "CentramLanes", "CentramModel", "CentramNumerics", "CentramStore",
        "CentramTrainingSupport", "CentramTransportSupport", "CentramWire", "CKernels", "CXXHash", "COpenSSL", "CSodium", "CHostSystem",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"), .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: swift),
    .target(name: "CSecureChannel", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
    .target(name: "CentramTransportSupport", dependencies: [api, "CSecureChannel", "CSodium"], swiftSettings: swift),
    .target(name: "CentramPluginTesting", dependencies: [api, "CentramHost", "CSodium"], swiftSettings: swift),
    .executableTarget(
      name: "centram-host",
      dependencies: [
        api, "CentramDownload", "CentramHost", "CentramIsolation", "CentramLanes", "CentramModel", "CentramNode", "CentramPackaging", "CentramPluginTesting", "CentramStore",
        "CentramTemplates", "CentramTransportSupport", "CentramWire", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swift,
      linkerSettings: [.unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/centram"])]),
    .testTarget(name: "TidyTests", swiftSettings: swift),
    .target(name: "TestNetwork", path: "Tests/Support/TestNetwork", swiftSettings: swift),
    .testTarget(name: "NetworkTests", dependencies: ["TestNetwork"], swiftSettings: swift),
    .target(
      name: "NodeWorld", dependencies: [api, "CentramNode", "CentramPluginTesting", "CentramTransportSupport", "CentramWire", "Transport_Memory"],
      path: "Tests/Support/NodeWorld", swiftSettings: swift),
    .testTarget(
      name: "SessionTests",
      dependencies: [
        api, "CentramNode", "CentramPluginTesting", "CentramTransportSupport", "CentramWire", "CSodium", "NodeWorld", "Transport_Memory",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: swift),
    .target(
      name: "ExchangeSamples",
      dependencies: [
        api, "CentramGenome", "CentramHost", "CentramNode", "CentramStore", "CentramWire", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], path: "Tests/Support/ExchangeSamples", swiftSettings: swift),
    .executableTarget(
      name: "centram-exchange-fixture", dependencies: [api, "CentramNode", "CentramStore", "CentramWire", "ExchangeSamples", "NodeWorld"], path: "Tests/Fixtures/Exchange",
      swiftSettings: swift),
    .testTarget(
      name: "ExchangeTests",
      dependencies: [
        api, "CentramGenome", "CentramNode", "CentramPluginTesting", "CentramStore", "CentramWire", "ExchangeSamples", "NodeWorld", "centram-exchange-fixture",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: swift),
    .executableTarget(
      name: "centram-exchange-bench",
      dependencies: [api, "CentramNode", "CentramStore", "CentramWire", "ExchangeSamples", "Transport_Quic"], path: "Benchmarks/Exchange", swiftSettings: swift),
    .executableTarget(
      name: "centram-peers-bench", dependencies: [api, "CentramNode", "CentramWire", "Transport_Quic"], path: "Benchmarks/Peers", exclude: ["peers.py"],
      swiftSettings: swift),
    .executableTarget(name: "centram-wire-bench", dependencies: ["CentramWire", "CSodium"], path: "Benchmarks/Wire", swiftSettings: swift),
    .testTarget(name: "CentramWireTests", dependencies: ["CentramWire", "CSodium", .product(name: "SwiftProtobuf", package: "swift-protobuf")], swiftSettings: swift),
    .executableTarget(
      name: "centram-relay-fixture", dependencies: [api, "CentramNode", "CentramTransportSupport", "CentramWire", "Transport_Quic"], path: "Tests/Fixtures/Relay",
      swiftSettings: swift),
    .testTarget(
      name: "RelayTests",
      dependencies: [
        api, "CentramNode", "CentramPluginTesting", "CentramTransportSupport", "CentramWire", "TestNetwork", "Transport_Memory", "centram-relay-fixture",
      ], swiftSettings: swift),
    .testTarget(name: "QuicTransportTests", dependencies: [api, "CentramPluginTesting", "Transport_Quic", "CQuic"], swiftSettings: swift),
    .testTarget(name: "EndToEndTests", dependencies: ["CentramModel", "TestServer"], swiftSettings: swift),
    .testTarget(
      name: "CentramHostTests",
      dependencies: [
        api, "CentramArchive", "CentramBlocks", "CentramDownload", "CentramHost", "CentramIsolation", "CentramLanes", "CentramModel", "CentramNode", "CentramNumerics",
        "CentramPackaging", "CentramPluginTesting", "CSandbox", "Fuzzing", "TestServer", "centram-conform-fixture", "centram-describe-fixture",
        "centram-install-fixture", "centram-isolation-fixture", "centram-plugin-runner",
      ], swiftSettings: swift),
    .testTarget(
      name: "TemplateTests",
      dependencies: [
        api, "CentramHost", "CentramIsolation", "CentramPackaging", "CentramPluginTesting", "CentramTemplates", "centram-describe-fixture", "centram-plugin-runner",
      ], swiftSettings: swift),
    .testTarget(
      name: "PluginConformanceTests",
      dependencies: [api, "CentramPluginTesting", "GateCorpus", "GateMeasuringCorpus"] + mergeOperators + trainers + firstLayers + measuringLayers, swiftSettings: swift),
    .executableTarget(
      name: "centram-transport-bench", dependencies: [api, "CentramWire", "CSodium"], path: "Benchmarks/Transport",
      exclude: ["compare.py", "handshake.c", "raw_tcp.c"], swiftSettings: swift),
    .executableTarget(
      name: "centram-isolation-bench",
      dependencies: [api, "CentramHost", "CentramIsolation", "CentramLanes", "CentramModel", "CentramNode", "CentramPluginTesting"], path: "Benchmarks/Isolation",
      swiftSettings: swift),
    .executableTarget(name: "centram-plugin-bench", dependencies: [api, "CentramHost", "CentramPackaging"], path: "Benchmarks/PluginCalls", swiftSettings: swift),
    .executableTarget(
      name: "centram-isolation-fixture", dependencies: [api, "CentramHost", "CentramIsolation", "CentramPluginTesting"], path: "Tests/Fixtures/Isolation", swiftSettings: swift),
    .executableTarget(
      name: "centram-conform-fixture", dependencies: ["CentramHost", "CentramPluginTesting"], path: "Tests/Fixtures/Host/Conform", swiftSettings: swift),
    .executableTarget(name: "centram-describe-fixture", dependencies: ["CentramHost", "CentramPackaging"], path: "Tests/Fixtures/Host/Describe", swiftSettings: swift),
    .executableTarget(name: "centram-install-fixture", dependencies: ["CentramHost", "CentramPackaging"], path: "Tests/Fixtures/Host/Install", swiftSettings: swift),
    .target(name: "CKernelPeak", path: "Benchmarks/ModelKernels/Peak", cSettings: kernels),
    .executableTarget(
      name: "centram-kernel-bench", dependencies: ["CModelKernels", "CKernelPeak"], path: "Benchmarks/ModelKernels", exclude: ["Peak"], swiftSettings: swift),
    .testTarget(name: "ModelKernelTests", dependencies: ["CModelKernels"], swiftSettings: swift),
    .testTarget(name: "CentramModelTests", dependencies: ["CentramModel", "Fuzzing"], swiftSettings: swift),
    .testTarget(name: "TokenizerTests", dependencies: ["CentramModel", "Fuzzing"], swiftSettings: swift),
    .target(name: "TestServer", path: "Tests/Support/TestServer", swiftSettings: swift),
    .target(name: "Fuzzing", path: "Tests/Support/Fuzzing", swiftSettings: swift),
    .target(name: "GateCorpus", dependencies: [api, "CentramGenome", "CSodium"], path: "Tests/Support/GateCorpus", swiftSettings: swift),
    .target(name: "LinkedGate", dependencies: [api, "CentramHost", "CentramNode"] + firstLayers + measuringLayers, path: "Tests/Support/LinkedGate", swiftSettings: swift),
    .target(
      name: "GateMeasuringCorpus", dependencies: [api, "CentramGenome", "CentramPluginTesting", "CentramTrainingSupport", "GateCorpus"],
      path: "Tests/Support/GateMeasuringCorpus", swiftSettings: swift),
    .testTarget(name: "GenomeTests", dependencies: ["CentramGenome", "Fuzzing", "GateCorpus"], swiftSettings: swift),
    .testTarget(
      name: "RoundTests",
      dependencies: [
        api, "CentramGenome", "CentramHost", "CentramModel", "CentramNode", "CentramPluginTesting", "CentramStore", "CentramTransportSupport", "CentramWire",
        "Fuzzing", "LinkedGate", "MergeOperators_LoraCat", "MergeOperators_LoraSVD", "Trainers_DPLora", "Trainers_Lora", "Transport_Memory",
        .product(name: "GRDB", package: "GRDB.swift"),
      ], swiftSettings: swift),
    .testTarget(
      name: "GateTests", dependencies: [api, "CentramGenome", "CentramHost", "CentramNode", "GateCorpus", "LinkedGate"] + firstLayers, swiftSettings: swift),
    .testTarget(
      name: "GateNodeTests",
      dependencies: [
        api, "CentramGenome", "CentramHost", "CentramNode", "CentramPluginTesting", "CentramStore", "CentramTrainingSupport", "Fuzzing", "GateAblation", "GateCorpus",
        "GateMeasuringCorpus", "LinkedGate",
      ], swiftSettings: swift),
    .target(
      name: "GateAblation", dependencies: [api, "CentramHost", "CentramNode", "GateCorpus", "GateMeasuringCorpus", "LinkedGate"], path: "Tests/Support/GateAblation",
      swiftSettings: swift),
    .executableTarget(
      name: "centram-gate-bench", dependencies: [api, "CentramGenome", "CentramHost", "CentramNode", "GateAblation", "GateCorpus", "GateMeasuringCorpus", "LinkedGate"],
      path: "Benchmarks/Gate", swiftSettings: swift),
    .target(name: "ModelGoldens", dependencies: ["CentramModel"], path: "Tests/Support/ModelGoldens", swiftSettings: swift),
    .testTarget(name: "ModelStoreTests", dependencies: ["CentramNode", "CentramModel", "CentramDownload", "TestServer"], swiftSettings: swift),
    .target(name: "StoreSamples", dependencies: ["CentramGenome", "CentramStore"], path: "Tests/Support/StoreSamples", swiftSettings: swift),
    .executableTarget(name: "centram-store-fixture", dependencies: ["CentramStore", "StoreSamples"], path: "Tests/Fixtures/Store/Process", swiftSettings: swift),
    .testTarget(
      name: "StoreTests",
      dependencies: ["CentramGenome", "CentramStore", "StoreSamples", "centram-store-fixture", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: swift),
    .testTarget(
      name: "GenomeStoreTests",
      dependencies: [
        api, "CentramGenome", "CentramModel", "CentramNode", "CentramStore", "CentramWire", "Fuzzing", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], swiftSettings: swift),
    .target(
      name: "EvolutionSamples",
      dependencies: [api, "CentramGenome", "CentramHost", "CentramModel", "CentramNode", "CentramStore"]
        + ["MergeOperators_Linear", "MergeOperators_LoraCat", "MergeOperators_LoraSVD", "Trainers_FullDelta", "Trainers_Lora"], path: "Tests/Support/EvolutionSamples",
      swiftSettings: swift),
    .executableTarget(
      name: "centram-evolve-fixture", dependencies: [api, "CentramNode", "CentramStore", "EvolutionSamples"], path: "Tests/Fixtures/Evolution", swiftSettings: swift),
    .executableTarget(
      name: "centram-honest-bench", dependencies: [api, "CentramGenome", "CentramHost", "CentramNode", "CentramStore", "EvolutionSamples", "LinkedGate"],
      path: "Benchmarks/Honest", swiftSettings: swift),
    .testTarget(
      name: "EvolutionTests",
      dependencies: [api, "CentramGenome", "CentramModel", "CentramNode", "CentramStore", "EvolutionSamples", "centram-evolve-fixture"]
        + ["GateLayers_Behaviour", "GateLayers_Fitness"], swiftSettings: swift),
    .testTarget(name: "ModelInt8Tests", dependencies: ["CModelKernels"], swiftSettings: swift),
    .testTarget(
      name: "TrainingTests", dependencies: [api, "CentramModel", "CentramNumerics", "CModelKernels", "CentramTrainingSupport", "ModelGoldens"], swiftSettings: swift),
    .executableTarget(
      name: "centram-training-bench", dependencies: [api, "CentramModel", "CentramTrainingSupport"], path: "Benchmarks/Training", exclude: ["compare.py"], swiftSettings: swift),
    .testTarget(name: "EngineTests", dependencies: ["CentramModel", "CModelKernels", "ModelGoldens"], swiftSettings: swift),
    .testTarget(name: "GenerationTests", dependencies: ["CentramModel", "CentramNode"], swiftSettings: swift),
    .executableTarget(name: "centram-sampling-bench", dependencies: ["CentramModel"], path: "Benchmarks/Sampling", swiftSettings: swift),
    .testTarget(name: "CentramNodeTests", dependencies: [api, "CentramNode", "CentramModel", "CentramHost", "CentramPluginTesting", "Fuzzing"], swiftSettings: swift),
    .executableTarget(
      name: "centram-discovery-fixture", dependencies: [api, "CentramNode", "CentramWire"], path: "Tests/Fixtures/Discovery", swiftSettings: swift),
    .testTarget(name: "DiscoveryTests", dependencies: [api, "CentramNode", "CentramWire", "centram-discovery-fixture"], swiftSettings: swift),
    .testTarget(
      name: "AdapterTests",
      dependencies: [
        api, "CentramNode", "CentramModel", "CentramHost", "CentramLinearAlgebra", "CentramPluginTesting", "Fuzzing",
      ] + mergeOperators,
      swiftSettings: swift),
    .testTarget(
      name: "MergeOperatorTests",
      dependencies: [api, "CentramNode", "CentramModel", "CentramNumerics", "CentramMergeSupport", "CKernels", "CentramPluginTesting"] + mergeOperators,
      swiftSettings: swift),
    .testTarget(
      name: "TransportTests", dependencies: [api, "CentramHost", "CentramPluginTesting", "CentramTransportSupport", "Fuzzing", "TestNetwork"] + transports + http,
      swiftSettings: swift),
    .testTarget(
      name: "TrainerTests",
      dependencies: [api, "CentramNode", "CentramModel", "CentramHost", "CentramTrainingSupport", "CentramPluginTesting", "Fuzzing"] + trainers,
      swiftSettings: swift),
    .testTarget(
      name: "GateCostlyTests",
      dependencies: [
        api, "CentramGateStatistics", "CentramGenome", "CentramLinearAlgebra", "CentramNumerics", "CentramPluginTesting", "CentramTrainingSupport", "GateCorpus",
        "GateMeasuringCorpus",
      ] + firstLayers + measuringLayers, swiftSettings: swift),
    .executableTarget(
      name: "centram-merge-bench", dependencies: [api, "CentramHost", "CentramNode", "CentramModel", "CentramPluginTesting"],
      path: "Benchmarks/MergeKernels", swiftSettings: swift),
  ]
    + plugins.map {
      .target(name: $0.target, dependencies: [api, stamp] + $0.leaves, path: "Plugins/\($0.kind)/\($0.name)", swiftSettings: swift, linkerSettings: small)
    }
    + fixtures.map {
      .target(name: "Fixture_\($0)", dependencies: [api, stamp], path: "Tests/Fixtures/Host/\($0)", swiftSettings: swift)
    },
  swiftLanguageModes: [.v6]
)
