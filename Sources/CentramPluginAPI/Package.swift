// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
// A package of its own, so that host, tests and every plugin link one shared library. Inside one package SwiftPM
// would copy these objects into each product, the types would split, and every cast between them would fail.
import PackageDescription

let package = Package(
  name: "CentramPluginAPI",
  products: [
    .library(name: "CentramPluginAPI", type: .dynamic, targets: ["CentramPluginAPI", "CCentramPlugin"]),
    .library(name: "CentramPluginStamp", type: .static, targets: ["CCentramPluginStamp"]),
  ],
  targets: [
    .target(name: "CCentramPlugin", path: "C"),
    .target(name: "CCentramPluginStamp", dependencies: ["CCentramPlugin"], path: "Stamp"),
    .target(
      name: "CentramPluginAPI", dependencies: ["CCentramPlugin"], path: "Swift",
      swiftSettings: [
        .unsafeFlags(["-enable-library-evolution", "-no-verify-emitted-module-interface"]),
        .enableUpcomingFeature("ExistentialAny"),
      ],
      linkerSettings: [.unsafeFlags(["-Xlinker", "-soname", "-Xlinker", "libCentramPluginAPI.so"])]),
  ],
  swiftLanguageModes: [.v6]
)
