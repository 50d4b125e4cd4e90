import CentramHost
import Foundation
import Testing

@testable import CentramTemplates

@Suite struct ProjectTests {
  /// An SDK with one template of a merge operator in C.
  private func sdk(_ text: String = "id @ID@", shared: String = "@KIND@") throws -> PluginSDK {
    let folder = try Workshop.folder("small")
    func put(_ text: String, _ path: String) throws {
      let url = URL(fileURLWithPath: "\(folder)/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    try put("", "include/centram_plugin.h")
    try put(shared, "templates/shared/c/both")
    try put(shared, "templates/shared/c/README.md")
    try put(text, "templates/merge-operator/c/deep/er/plugin.c")
    try put(text, "templates/merge-operator/c/both")
    return try PluginSDK(folder)
  }

  private func message(_ body: () throws -> Void) throws -> String { try #require(throws: HostError.self) { try body() }.message }

  @Test func writesSharedFilesAndOverThemThoseOfTheKind() throws {
    let folder = try Workshop.folder() + "/new/average", project = try PluginProject(kind: "merge-operator", language: "c", id: "com.acme.average")
    #expect(try project.write(into: folder, sdk: sdk()) == ["README.md", "both", "deep/er/plugin.c"])
    func read(_ path: String) throws -> String { try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) }
    #expect(try read("README.md") == "merge-operator")
    #expect(try read("both") == "id com.acme.average")
    #expect(try read("deep/er/plugin.c") == "id com.acme.average")
    // Nothing of the writing is left beside it.
    #expect(try FileManager.default.contentsOfDirectory(atPath: URL(fileURLWithPath: folder).deletingLastPathComponent().path) == ["average"])
  }

  @Test func namesFollowFromTheID() throws {
    let project = try PluginProject(kind: "trainer", language: "swift", id: "com.acme-lab.My-Trainer_2")
    #expect(project.name == "My-Trainer_2" && project.library == "my_trainer_2" && project.module == "com_acme_lab_My_Trainer_2")
    #expect(try PluginProject(kind: "trainer", language: "rust").id == "com.example.descent")
  }

  @Test func anExistingFolderStaysAsItIs() throws {
    let folder = try Workshop.folder(), project = try PluginProject(kind: "merge-operator", language: "c")
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/mine"))
    let found = try message { try project.write(into: folder, sdk: sdk()) }
    #expect(found.hasSuffix("exists already; name another folder with --into"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["mine"])
    let file = folder + "/mine"
    #expect(try message { try project.write(into: file, sdk: sdk()) }.contains("exists already"))
  }

  @Test func unknownKindsAndLanguagesNameTheNearest() throws {
    #expect(try message { _ = try PluginProject(kind: "merge-operater", language: "c") }.contains("there is no kind merge-operater; nearest: merge-operator"))
    #expect(try message { _ = try PluginProject(kind: "trainer", language: "swfit") }.contains("there are no templates in swfit; nearest: swift"))
    #expect(try message { _ = try PluginProject(kind: "", language: "c") }.contains("the kinds are merge-operator, gate-layer, trainer, economy-rule, transport"))
  }

  @Test(arguments: [
    "", "average", ".", "a.", ".a", "a..b", "com.acme.", "com.acme.1st", "com.acme.-x", "com.acme.x-", "com.acme.a b", "com.acme.a/b", "com.acme.é", "com.acme.a\n", "../x",
    "com.acme.\"", "com.acme.$x",
  ]) func idsThatNoPluginMayHaveAreRefused(_ id: String) throws {
    #expect(try message { _ = try PluginProject(kind: "trainer", language: "c", id: id) }.contains("is no id for a plugin"))
  }

  @Test func anIDHasALimit() throws {
    let longest = "com." + String(repeating: "a", count: PluginProject.idLimit - 4)
    #expect(try PluginProject(kind: "trainer", language: "c", id: longest).id == longest)
    #expect(try message { _ = try PluginProject(kind: "trainer", language: "c", id: longest + "a") } == "the id has 101 characters; the limit is 100")
  }

  @Test func placeholdersAreFilledAndNothingElseChanges() throws {
    let values = ["ID": "x", "NAME": "y"]
    for (text, filled) in [
      ("", ""), ("@", "@"), ("@ID@", "x"), ("@ID@@NAME@", "xy"), ("a@ID@b", "axb"), ("@c(f)", "@c(f)"), ("@ID", "@ID"), ("@@ID@@", "@x@"),
      ("me@example.com @generated", "me@example.com @generated"),
    ] {
      #expect(try ProjectTemplate.fill(text, values, file: "f") == filled, "\(text)")
    }
    #expect(try message { _ = try ProjectTemplate.fill("@NAM@", values, file: "f") } == "the template f has a placeholder @NAM@ that this program does not know; nearest: NAME")
  }

  @Test func aTemplateThatIsNotThereIsOpen() throws {
    let folder = try Workshop.folder() + "/x"
    let found = try message { try PluginProject(kind: "transport", language: "c").write(into: folder, sdk: sdk()) }
    #expect(found.contains("has no template of a transport in c (open)"))
    #expect(!FileManager.default.fileExists(atPath: folder))
  }

  @Test func linksAndLargeFilesAreNoTemplates() throws {
    let sdk = try sdk(), project = try PluginProject(kind: "merge-operator", language: "c"), target = try Workshop.folder() + "/x"
    let file = sdk.path + "/templates/merge-operator/c/more"
    try Data(repeating: 32, count: ProjectTemplate.sizeLimit).write(to: URL(fileURLWithPath: file))
    try project.write(into: target + "1", sdk: sdk)
    try Data(repeating: 32, count: ProjectTemplate.sizeLimit + 1).write(to: URL(fileURLWithPath: file))
    #expect(try message { try project.write(into: target + "2", sdk: sdk) }.contains("is no template"))
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: "/etc/passwd")
    #expect(try message { try project.write(into: target + "3", sdk: sdk) }.contains("is no template"))
  }

  @Test func theSDKIsTheOneThatWasNamedElseTheEnvironmentsElseTheInstalledOne() throws {
    let one = try sdk(), other = try sdk(), prefix = try Workshop.folder("prefix")
    try FileManager.default.createDirectory(atPath: prefix + "/lib/centram", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: prefix + "/bin", withIntermediateDirectories: true)
    #expect(try message { _ = try PluginSDK.find(named: nil, environment: nil, executableFolder: prefix + "/bin") }.contains("name one with --sdk or CENTRAM_SDK"))
    try FileManager.default.copyItem(atPath: one.path, toPath: prefix + "/lib/centram/sdk")
    #expect(try PluginSDK.find(named: nil, environment: "", executableFolder: prefix + "/bin").path == prefix + "/lib/centram/sdk")
    #expect(try PluginSDK.find(named: nil, environment: other.path, executableFolder: prefix + "/bin") == other)
    #expect(try PluginSDK.find(named: one.path, environment: other.path, executableFolder: nil) == one)
    #expect(try message { _ = try PluginSDK.find(named: prefix, environment: other.path, executableFolder: nil) }.contains("is no Centram SDK: it has no include/centram_plugin.h"))
  }

  @Test func anSDKWhosePathAMakefileWouldReadOtherwiseIsRefused() throws {
    for part in ["with space", "with$dollar", "with#hash", "with\"quote"] {
      let folder = try Workshop.folder() + "/" + part
      try FileManager.default.copyItem(atPath: sdk().path, toPath: folder)
      #expect(try message { _ = try PluginSDK(folder) }.contains("which a Makefile would read otherwise"), "\(part)")
    }
  }
}
