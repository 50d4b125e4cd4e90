// swift-tools-version:6.2
import PackageDescription

/// The folder of the Centram SDK.
let sdk = Context.environment["CENTRAM_SDK"] ?? "@SDK@"

let package = Package(
  name: "@LIBRARY@",
  products: [.library(name: "@LIBRARY@", type: .dynamic, targets: ["@MODULE@"])],
  targets: [
    .target(
      name: "@MODULE@", path: "Sources/Plugin",
      swiftSettings: [.unsafeFlags(["-I", "\(sdk)/swift", "-I", "\(sdk)/include"]), .enableUpcomingFeature("ExistentialAny")],
      // The stamp is the note that the host reads from the file; the library is the host's own API, which it shares with every plugin.
      linkerSettings: [.unsafeFlags(["\(sdk)/lib/centram_stamp.o", "-L", "\(sdk)/lib", "-lCentramPluginAPI"])])
  ],
  swiftLanguageModes: [.v6]
)
