// swift-tools-version:6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let api = "CentramPluginAPI"

let package = Package(
  name: "Midrange",
  products: [.library(name: "Midrange", type: .dynamic, targets: ["Midrange"])],
  dependencies: [.package(path: "../../Sources/CentramPluginAPI")],
  targets: [
    // The stamp puts the note into the library that the host reads before it loads it.
    .target(
      name: "Midrange",
      dependencies: [.product(name: api, package: api), .product(name: "CentramPluginStamp", package: api)])
  ],
  swiftLanguageModes: [.v6]
)
