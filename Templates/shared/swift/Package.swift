// swift-tools-version:6.2
import PackageDescription

/// The folder of the Centram SDK.
let sdk = Context.environment["CENTRAM_SDK"] ?? "@SDK@"
let settings: [SwiftSetting] = [.unsafeFlags(["-I", "\(sdk)/swift", "-I", "\(sdk)/include"]), .enableUpcomingFeature("ExistentialAny")]

let package = Package(
  name: "@LIBRARY@",
  products: [.library(name: "@LIBRARY@", type: .dynamic, targets: ["@MODULE@"])],
  targets: [
    .target(
      name: "@MODULE@", path: "Sources/Plugin", swiftSettings: settings,
      // The stamp is the note that the host reads from the file; the library is the host's own API, which it shares with every plugin.
      linkerSettings: [.unsafeFlags(["\(sdk)/lib/centram_stamp.o", "-L", "\(sdk)/lib", "-lCentramPluginAPI"])]),
    // The suite of the plugin's kind, from the SDK's testing kit.
    .testTarget(
      name: "ConformanceTests", dependencies: ["@MODULE@"], swiftSettings: settings,
      linkerSettings: [.unsafeFlags(["-L", "\(sdk)/lib", "-lCentramPluginTesting", "-Xlinker", "-rpath", "-Xlinker", "\(sdk)/lib"])]),
  ],
  swiftLanguageModes: [.v6]
)
