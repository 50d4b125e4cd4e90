import CentramHost
import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing

/// Plugins of the C lane through the suites: the examples keep every promise, and what the fixtures break is found.
@Suite struct CConformanceTests {
  private func suite(_ example: String, id: String) throws -> MergeOperatorConformance {
    let host = try exampleHost(example, .mergeOperator, id)
    return MergeOperatorConformance { (it) throws(PluginError) in
      do throws(HostError) { return try host.mergeOperator(id, configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }
  }

  private func exampleHost(_ source: String, _ kind: PluginKind, _ id: String) throws -> PluginHost {
    let folder = try Workshop.folder()
    try Workshop.plugin(Workshop.library("\(Workshop.root)/Examples/\(source)"), id: id, kind: kind, in: folder)
    return Workshop.host(folder)
  }

  @Test(arguments: [("MergeOperatorC/linear.c", "example.merge.linear-c"), ("MergeOperatorC/median.c", "example.merge.median")])
  func theExamplesInCKeepThePromisesOfMergeOperators(source: String, id: String) async throws {
    let results = await (try suite(source, id: id)).run()
    #expect(results.filter(\.failed) == [])
  }

  @Test func theExampleOfALayerInCKeepsThePromises() async throws {
    let host = try exampleHost("GateLayerC/size.c", .gateLayer, "example.gate.size")
    let results = await GateLayerConformance { (it) throws(PluginError) in
      do throws(HostError) { return try host.gateLayer("size", configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.run()
    #expect(results.filter(\.failed) == [])
  }

  @Test func theFixtureOfAnEconomyRuleInCKeepsThePromises() async throws {
    let host = try Workshop.host(fixture: "economy", id: "test.economy.split", kind: .economyRule)
    let results = await EconomyRuleConformance { (it) throws(PluginError) in
      do throws(HostError) { return try host.economyRule("split", configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.run()
    #expect(results.filter(\.failed) == [])
  }

  @Test func theFixtureOfAnOperatorInCBreaksWhatIsWrongWithIt() async throws {
    let host = try Workshop.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator)
    let results = await MergeOperatorConformance { (it) throws(PluginError) in
      do throws(HostError) { return try host.mergeOperator("center", configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.run()
    // It moves what all inputs agree on, says that it draws and does not, and goes without the weight that it requires.
    let failed = Set(results.filter(\.failed).map(\.check))
    #expect(failed == ["identity", "masks", "missing-parameter", "seed", "seed-by-tensor"], "\(results.filter(\.failed))")
  }

  @Test func theFixtureOfATrainerInCBreaksItsPromiseToGoOn() async throws {
    let host = try Workshop.host(fixture: "trainer", id: "test.trainer.descent", kind: .trainer)
    var options = TrainerConformance.Options()
    options.settingsJSON = { steps, _ in "\(steps)" }
    let results = await TrainerConformance(options: options) { (it) throws(PluginError) in
      do throws(HostError) { return try host.trainer("descent", configurationJSON: it.configurationJSON) } catch {
        throw error.cause ?? PluginError(.internalFailure, error.message)
      }
    }.run()
    // Its checkpoints hold the number of steps and no weights.
    let failed = Set(results.filter(\.failed).map(\.check))
    #expect(failed == ["resume", "foreign-checkpoint", "cancellation"])
  }
}

/// `plugin check` runs a suite in a process of its own.
@Suite struct ConformanceProcessTests {
  private static var process: ConformanceProcess {
    ConformanceProcess(command: ["/usr/bin/env", "SWIFT_BACKTRACE=enable=no", Built.folder + "/centram-conform-fixture"])
  }

  private func run(_ path: String, only: [String]? = nil, runsUnsigned: Bool = true) throws -> [ConformanceResult] {
    try Self.process.run(ConformanceRequest(path: path, runsUnsigned: runsUnsigned, only: only))
  }

  @Test func judgesABareLibraryAndAPackedOneAlike() throws {
    let library = try Workshop.library(Workshop.root + "/Examples/MergeOperatorC/median.c")
    let bare = try run(library), packed = try run(Workshop.plugin(library, id: "example.merge.median", kind: .mergeOperator))
    #expect(bare.map(\.check) == MergeOperatorConformance.checkNames)
    #expect(bare == packed && bare.filter(\.failed) == [])
  }

  @Test func runsNothingOfAPluginThatNobodySignedUnlessAskedTo() throws {
    // The library would leave a mark if it ran.
    let library = try Workshop.library("merge"), folder = try Workshop.plugin(library, id: "test.merge.center", kind: .mergeOperator)
    for path in [library, folder] {
      let error = #expect(throws: HostError.self) { try run(path, runsUnsigned: false) }
      #expect(error?.message.contains("does not run unless asked") == true)
    }
  }

  @Test func aCrashIsAFindingInItsCheckAndTheOthersRun() throws {
    let results = try run(Workshop.library("wrong_merge", ["-DWRONG_CRASH_ON_SCALARS"]))
    #expect(results.map(\.check).sorted() == MergeOperatorConformance.checkNames.sorted())
    let shapes = try #require(results.first { $0.check == "shapes" })
    #expect(shapes.description == "shapes: expected the plugin's process to live, but it crashed with signal 11 in check shapes")
    #expect(results.filter { $0.check != "shapes" }.filter(\.failed) == [])
  }

  @Test func aWriteToTheInputsEndsTheProcess() throws {
    let results = try run(Workshop.library("wrong_merge", ["-DWRONG_WRITES_INPUTS"]), only: ["inputs-unchanged"])
    #expect(results.map(\.description) == ["inputs-unchanged: expected the plugin's process to live, but it crashed with signal 11 in check inputs-unchanged"])
  }

  @Test func anExitAndAHangAreFindings() throws {
    #expect(try run(Workshop.library("wrong_merge", ["-DWRONG_EXITS"]), only: ["shapes"]).map(\.description).first?.contains("it ended with status 3 in check shapes") == true)
    var process = Self.process
    process.patience = .seconds(6)
    let library = try Workshop.library("wrong_merge", ["-DWRONG_HANGS"])
    let results = try process.run(ConformanceRequest(path: library, runsUnsigned: true, only: ["shapes"]))
    #expect(results.map(\.description).first?.contains("it hung in check shapes") == true)
  }

  @Test func whatAPluginPrintsIsNoResult() throws {
    let results = try run(Workshop.library("wrong_merge", ["-DWRONG_PRINTS"]), only: ["shapes", "identity"])
    #expect(results.map(\.description) == ["shapes: passed", "identity: passed"])
  }

  @Test func aRequestThatCannotBeReadIsRefused() throws {
    let error = #expect(throws: HostError.self) { try run("/nowhere/at/all") }
    #expect(error?.message.contains("no such file") == true)
  }

  @Test func aCrashWhileItIsLoadedIsAFinding() throws {
    let results = try run(Workshop.library("wrong_merge", ["-DWRONG_CRASH_AT_LOAD"]))
    #expect(results.map(\.description) == ["load: expected the plugin's process to live, but it crashed with signal 11 while it was loaded"])
  }

  @Test func aCheckThatThereIsNotIsRefusedWithTheNearest() throws {
    let error = #expect(throws: HostError.self) { try run(Workshop.library("wrong_merge"), only: ["shpes"]) }
    #expect(error?.message.hasPrefix("the suite of the kind merge-operator has no check shpes; nearest: shapes; known: info, ") == true)
  }

  @Test func theReportSaysWhyTheSuiteWasNotRun() throws {
    let library = try Workshop.library("wrong_merge"), folder = try Workshop.plugin(library, id: "test.merge.wrong", kind: .mergeOperator)
    func report(_ path: String, _ request: ConformanceRequest?) throws -> PluginCheckReport {
      let host = PluginHost(configuration: HostConfiguration())
      return try PluginCheckReport(host.check(path), request: request, process: Self.process)
    }
    #expect(try report(folder, nil).whyNotRun == "it was not asked for")
    #expect(try report(folder, ConformanceRequest(path: folder)).whyNotRun == "no trusted publisher signed the plugin; --run runs its code, in a process of its own")
    #expect(try report(library, ConformanceRequest(path: library)).whyNotRun == "the plugin is refused")
    let run = try report(folder, ConformanceRequest(path: folder, runsUnsigned: true, only: ["identity"]))
    #expect(run.whyNotRun == nil && run.failure == nil && run.results.map(PluginCheckReport.line) == ["ok       identity"])
    let record = try #require(PluginCheckReport.check(library: library, trust: TrustPolicy(), upTo: .fingerprint))
    #expect(record.state == .checked)
  }

  @Test func whatATrustedPublisherSignedRunsWithoutBeingAskedTo() throws {
    let key = PluginSignature.makeKeyPair(), other = PluginSignature.makeKeyPair()
    let folder = try Workshop.plugin(Workshop.library("wrong_merge"), id: "test.merge.wrong", kind: .mergeOperator, signedBy: key.secretKey)
    func report(_ trusted: [UInt8]) throws -> PluginCheckReport {
      let trust = TrustPolicy(publishers: [.init(name: "test", key: key.publicKey, ids: ["test.*"])])
      var process = Self.process
      process.command.append(trusted.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
      let record = PluginHost(configuration: HostConfiguration(trust: trust)).check(folder)
      return try PluginCheckReport(record, request: ConformanceRequest(path: folder, only: ["identity"]), process: process)
    }
    #expect(try report(key.publicKey).results.map(\.description) == ["identity: passed"])
    // The process that runs its code decides again, by its own policy.
    let error = #expect(throws: HostError.self) { try report(other.publicKey) }
    #expect(error?.message.contains("is not the signature of a trusted publisher") == true)
  }
}
