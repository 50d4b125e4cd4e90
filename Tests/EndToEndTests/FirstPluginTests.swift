import Foundation
import Testing

/// The newcomer's page, command by command, with the real `centram-host`.
@Suite struct FirstPluginTests {
  /// The SDK of this checkout, made once.
  private static let sdk: Result<String, any Error> = Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("centram-sdk-\(UUID().uuidString)").path
    let result = try Binary.Running(Repository.root.appendingPathComponent("Scripts/sdk").path, [folder], [:]).wait()
    try #require(result.status == 0, "\(result.output)\n\(result.errors)")
    atexit { if let folder = try? FirstPluginTests.sdk.get() { try? FileManager.default.removeItem(atPath: folder) } }
    return folder
  }

  private struct Written: Decodable { let id: String, kind: String, language: String, files: [String] }

  @Test func theCommandsOfTheFirstPluginPageRunAsTheyStand() throws {
    let folder = try TemporaryFolder(), page = try String(contentsOf: Repository.root.appendingPathComponent("docs/plugins/first-plugin.md"), encoding: .utf8)
    try FileManager.default.createDirectory(atPath: folder("home/models"), withIntermediateDirectories: true)
    try Models.make(in: folder("home/models"), format: .float32)
    let blocks = page.components(separatedBy: "```sh\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    #expect(blocks.count == 8)
    let script = "set -eux\ncd '\(folder.path)'\n" + blocks.joined()
    // The page's first step installs; here the host and the SDK are those of this checkout.
    let environment = ["HOME": folder("home"), "PATH": "\(Binary.folder):/usr/bin:/bin", "CENTRAM_SDK": try Self.sdk.get()]
    let result = try Binary.Running("/bin/sh", ["-c", script], environment).wait()
    try #require(result.status == 0, "\(result.output)\n\(result.errors)")
    for part in ["average/plugin.c", "com.acme.average 0.2.0 installed", "signed by acme", "Average by squared weights", "block-size", "removed com.acme.average"] {
      #expect(result.output.contains(part), "\(part) in \(result.output)")
    }
    #expect(!result.output.contains("FAILED"), "\(result.output)")
  }

  private static let cargo: String? = {
    let own = ProcessInfo.processInfo.environment, places = (own["PATH"] ?? "").split(separator: ":").map { "\($0)/cargo" } + ["\(own["HOME"] ?? "")/.cargo/bin/cargo"]
    return places.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  /// Nobody signed it, so the host isolates it, and its suite too.
  @Test(arguments: ["c", "swift", "rust"]) func aNewTransportPassesItsSuiteUnsigned(_ language: String) throws {
    if language == "rust", Self.cargo == nil { return }
    let folder = try TemporaryFolder(), own = ProcessInfo.processInfo.environment, home = own["HOME"] ?? ""
    let environment = [
      "HOME": folder("home"), "PATH": "\(Binary.folder):\(own["PATH"] ?? "/usr/bin:/bin")", "CENTRAM_SDK": try Self.sdk.get(), "CARGO": Self.cargo ?? "",
      "CARGO_HOME": own["CARGO_HOME"] ?? home + "/.cargo", "RUSTUP_HOME": own["RUSTUP_HOME"] ?? home + "/.rustup",
    ]
    let script = "set -e; centram-host plugin new transport --language \(language) --id com.acme.loop --into '\(folder("loop"))'; make -C '\(folder("loop"))' check"
    let result = try Binary.Running("/bin/sh", ["-c", script], environment).wait()
    try #require(result.status == 0, "\(result.output)\n\(result.errors)")
    #expect(result.output.contains("half-close") && !result.output.contains("FAILED"), "\(result.output)")
  }

  @Test func aProjectIsMadeOfEachKindAndLanguageAndToldAsJSON() throws {
    let folder = try TemporaryFolder(), sdk = try Self.sdk.get()
    for kind in ["merge-operator", "gate-layer", "trainer", "economy-rule", "transport"] {
      for language in ["swift", "c", "rust"] {
        let result = try Binary.run("plugin", "new", kind, "--language", language, "--into", folder("\(kind)-\(language)"), "--sdk", sdk, "--json")
        try #require(result.status == 0, "\(result.errors)")
        let written = try JSONDecoder().decode(Written.self, from: Data(result.output.utf8))
        #expect(written.kind == kind && written.language == language && written.id.hasPrefix("com.example."))
        for file in written.files { #expect(FileManager.default.fileExists(atPath: folder("\(kind)-\(language)/\(file)"))) }
      }
    }
    let again = try Binary.run("plugin", "new", "trainer", "--language", "c", "--into", folder("trainer-c"), "--sdk", sdk)
    #expect(again.status != 0 && again.errors.contains("exists already; name another folder with --into"), "\(again.errors)")
    let unknown = try Binary.run("plugin", "new", "trainr", "--language", "c", "--sdk", sdk)
    #expect(unknown.status != 0 && unknown.errors.contains("nearest: trainer"), "\(unknown.errors)")
    let nowhere = try Binary.run("plugin", "new", "trainer", "--language", "c", environment: ["CENTRAM_SDK": ""])
    #expect(nowhere.status != 0 && nowhere.errors.contains("--sdk or CENTRAM_SDK"), "\(nowhere.errors)")
  }
}
