import Foundation
import Testing

@Suite struct StructureTests {
  static let ours: Set = [
    "CentramPluginAPI", "CCentramPlugin", "CentramHost", "CentramModel", "CentramNode", "CentramNumerics", "CentramLinearAlgebra",
    "CentramPluginTesting", "CentramLanes", "CentramMergeSupport", "CentramTrainingSupport", "CentramAdapterSupport", "CentramTransportSupport", "CSecureChannel", "CKernels",
    "CModelKernels", "CHostSystem", "CCurl", "CentramDownload", "CQuic", "CUDP", "CentramWire", "CentramGenome", "CentramStore", "CentramGateSupport",
    "CentramGateStatistics", "CentramIsolation", "CSandbox", "CRunnerShim", "CentramArchive", "CentramPackaging", "CentramTemplates",
    "CentramBlocks",
  ]
  /// What each module of ours may import of ours.
  static let allowed: [(folder: String, modules: Set<String>)] = [
    ("Sources/CentramPluginAPI/Swift", ["CCentramPlugin"]),
    ("Sources/CentramLanes", ["CentramPluginAPI"]),
    ("Sources/CentramHost", ["CentramPluginAPI", "CentramLanes", "CHostSystem"]),
    ("Sources/CentramPackaging", ["CentramPluginAPI", "CentramArchive", "CentramDownload", "CentramHost", "CHostSystem"]),
    ("Sources/CentramArchive", []),
    ("Sources/CentramTemplates", ["CentramHost", "CHostSystem"]),
    ("Sources/CentramBlocks", ["CentramPluginAPI", "CentramNumerics", "CKernels"]),
    ("Sources/CentramIsolation", ["CentramPluginAPI", "CentramBlocks", "CentramLanes", "CentramNumerics", "CSandbox"]),
    ("Sources/centram-plugin-runner", ["CentramIsolation", "CRunnerShim"]),
    ("Sources/CentramMergeSupport", ["CentramPluginAPI", "CentramNumerics", "CKernels"]),
    ("Sources/CentramAdapterSupport", ["CentramPluginAPI", "CentramLinearAlgebra"]),
    ("Sources/CentramTrainingSupport", ["CentramPluginAPI", "CentramNumerics", "CModelKernels"]),
    ("Sources/CentramTransportSupport", ["CentramPluginAPI", "CSecureChannel"]),
    ("Sources/CentramGenome", ["CKernels"]),
    ("Sources/CentramGateSupport", ["CentramPluginAPI", "CentramGenome"]),
    ("Sources/CentramGateStatistics", ["CentramPluginAPI", "CentramGateSupport", "CentramGenome", "CentramLinearAlgebra", "CentramNumerics"]),
    ("Sources/CentramNumerics", ["CKernels"]),
    ("Sources/CentramLinearAlgebra", []),
    ("Sources/CentramModel", ["CentramNumerics", "CKernels", "CModelKernels"]),
    ("Sources/CentramDownload", ["CCurl"]),
    ("Sources/CentramWire", []),
    ("Sources/CentramStore", ["CentramGenome", "CHostSystem"]),
    ("Sources/CentramPluginTesting", ["CentramPluginAPI", "CentramHost"]),
    (
      "Sources/CentramNode",
      [
        "CentramPluginAPI", "CentramArchive", "CentramBlocks", "CentramDownload", "CentramGenome", "CentramHost", "CentramLanes", "CentramModel", "CentramNumerics", "CentramStore",
        "CentramTrainingSupport", "CentramTransportSupport", "CentramWire", "CKernels", "CHostSystem",
      ]
    ),
    (
      "Plugins",
      [
        "CentramPluginAPI", "CentramMergeSupport", "CentramTrainingSupport", "CentramAdapterSupport", "CentramTransportSupport", "CentramNumerics", "CentramLinearAlgebra",
        "CKernels", "CQuic", "CUDP", "CentramGenome", "CentramGateSupport", "CentramGateStatistics",
      ]
    ),
  ]

  @Test(arguments: allowed) func importsOnlyWhatStandsBelow(folder: String, modules: Set<String>) throws {
    let files = Repository.files(folder, ".swift")
    #expect(!files.isEmpty)
    for file in files {
      for module in try Repository.imports(file) where Self.ours.contains(module) {
        #expect(modules.contains(module), "\(file) imports \(module)")
      }
    }
  }

  @Test func onlyTheStoreKnowsSQL() throws {
    for folder in ["Sources", "Plugins"] {
      for file in Repository.files(folder, ".swift") where !file.hasPrefix("Sources/CentramStore/") {
        #expect(!(try Repository.imports(file)).contains { $0 == "GRDB" || $0.hasPrefix("SQLite") }, "\(file) imports SQL")
      }
    }
  }

  @Test func theAPINeedsNothingButTheStandardLibrary() throws {
    for file in Repository.files("Sources/CentramPluginAPI/Swift", ".swift") {
      #expect(try Repository.imports(file).allSatisfy { $0 == "CCentramPlugin" }, "\(file)")
    }
  }

  @Test func everyTestRunEvolvesTheAPIWithPluginsOfAllKinds() throws {
    let steps = try Repository.text("Scripts/test").split(separator: "\n").map(String.init), evolution = try Repository.text("Scripts/api-evolution")
    #expect(steps.contains("Scripts/api-check") && steps.contains("Scripts/api-evolution"))
    for kind in ["merge", "gate", "trainer", "economy", "transport"] {
      #expect(Repository.files("Tests/Fixtures/Host/Evolution/Plugins", ".swift").contains { $0.hasSuffix("/\(kind).swift") }, "\(kind)")
      #expect(Repository.files("Tests/Fixtures/Host/C", ".c").contains { $0.hasSuffix("/\(kind).c") }, "\(kind)")
      #expect(evolution.contains(kind), "\(kind)")
    }
  }

  @Test func theHostHasAtMostTwoThousandLines() throws {
    let lines = try Repository.files("Sources/CentramHost", ".swift").reduce(0) { try $0 + Repository.text($1).split(separator: "\n", omittingEmptySubsequences: false).count - 1 }
    #expect(lines <= 2000, "CentramHost has \(lines) lines")
  }

  @Test func theHostNamesNoPlugin() throws {
    let names = Repository.files("Plugins", ".swift").map { $0.split(separator: "/")[2] }
    #expect(names.count > 20)
    for file in Repository.files("Sources/CentramHost", ".swift") {
      let code = try Repository.text(file).split(separator: "\n").filter { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }.joined(separator: "\n")
      for id in ["merge.linear", "merge.ties", "merge.slerp", "transport.quic", "gate.format", "trainer.lora", "economy.flat"] {
        #expect(!code.contains(id), "\(file) names \(id)")
      }
    }
  }

  @Test func onlyTheExecutableReadsTheEnvironment() throws {
    for folder in [
      "Sources/CentramHost", "Sources/CentramModel", "Sources/CentramNode", "Sources/CentramNumerics", "Sources/CentramLinearAlgebra", "Sources/CentramWire",
      "Sources/CentramGenome", "Sources/CentramStore", "Sources/CentramPackaging", "Sources/CentramArchive", "Plugins",
    ] {
      for file in Repository.files(folder, ".swift") {
        let text = try Repository.text(file)
        #expect(!text.contains("getenv(") && !text.contains(".environment["), "\(file) reads the environment")
      }
    }
  }

  @Test func everyPluginIsInThePackage() throws {
    let manifest = try Repository.text("Package.swift")
    for kind in try FileManager.default.contentsOfDirectory(atPath: Repository.root.appendingPathComponent("Plugins").path) where !kind.contains(".") {
      for name in try FileManager.default.contentsOfDirectory(atPath: Repository.root.appendingPathComponent("Plugins/\(kind)").path) where !name.contains(".") {
        #expect(manifest.contains("\"\(name)\""), "Plugins/\(kind)/\(name) is not built")
      }
    }
  }

  @Test func everyParameterOfAGateLayerIsDocumented() throws {
    let pages = try Repository.files("docs/plugins", ".md").map(Repository.text).joined()
    var count = 0
    for file in Repository.files("Plugins/GateLayers", ".swift") {
      for line in try Repository.text(file).split(separator: "\n") {
        let line = line.trimmingCharacters(in: .whitespaces)
        guard line.hasPrefix(".init(\""), [".number,", ".integer,", ".string,", ".boolean,"].contains(where: line.contains), line.contains("default:") else { continue }
        let name = line.dropFirst(7).prefix { $0 != "\"" }
        count += 1
        #expect(pages.contains("| `\(name)` |"), "\(file): docs/plugins says nothing of \(name)")
      }
    }
    #expect(count > 30)
  }

  @Test func nothingIsLeftOpenInTheCode() throws {
    for folder in ["Sources", "Plugins", "Tests", "Examples", "Scripts", "Benchmarks"] {
      for file in Repository.files(folder, ".swift", ".c", ".h", ".inc", ".rs", ".py", "Scripts/test")
      where !file.hasPrefix("Tests/TidyTests") && !file.hasPrefix("Tests/Fixtures/Golden") {
        for word in ["TODO", "FIXME", "XXX"] { #expect(!(try Repository.text(file)).contains(word), "\(word) in \(file)") }
      }
    }
  }

  @Test func filesHaveOneTopic() throws {
    for folder in ["Sources", "Plugins", "Tests"] {
      // What a generator made of the .proto files is read there.
      for file in Repository.files(folder, ".swift", ".c", ".h") where !file.contains("/Generated/") {
        let lines = try Repository.text(file).split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(lines <= 420, "\(file) has \(lines) lines")
      }
    }
  }
}
