import CentramPluginAPI
import CentramPluginTesting
import Foundation
import Testing
import Transport_Memory

@Suite struct ConformanceTests {
  /// - Parameter bulk: nil: the suite's own size. `CENTRAM_BULK_BYTES` goes before both, for the long version with 256 MB.
  static func run(_ descriptor: UnsafePointer<centram_descriptor_t>, _ address: String, _ configurationJSON: String = "{}", bulk: Int? = nil) async throws -> [ConformanceResult] {
    var options = TransportConformance.Options()
    if let bulk = Int(ProcessInfo.processInfo.environment["CENTRAM_BULK_BYTES"] ?? "") ?? bulk { options.bulkBytes = bulk }
    let suite = TransportConformance(listenOn: address, configurationJSON: configurationJSON, options: options, make: try transportFactory(descriptor))
    let results = await suite.run()
    #expect(results.count == TransportConformance.checkNames.count)
    return results.filter(\.failed)
  }

  @Test func memoryKeepsEveryPromiseOfATransport() async throws {
    #expect(try await Self.run(Transport_Memory.centramPluginDescriptor(), "memory://", #"{"network": "conformance"}"#) == [])
  }
}

/// The suite's own tests: it is none if it lets wrong transports pass.
@Suite struct WrongTransportTests {
  @Test(arguments: Mutation.allCases) func aWrongTransportIsCaughtByTheCheckOfThatPromise(mutation: Mutation) async throws {
    let make = try transportFactory(Transport_Memory.centramPluginDescriptor())
    var options = TransportConformance.Options()
    (options.promptness, options.settling, options.timeLimit) = (.seconds(1), .milliseconds(60), .seconds(3))
    let suite = TransportConformance(listenOn: "memory://", configurationJSON: #"{"network": "\#(mutation)"}"#, options: options) { (environment) throws(PluginError) in
      WrongTransport(base: try make(environment), mutation: mutation)
    }
    let results = await suite.run(only: [mutation.caughtBy])
    #expect(results.count == 1)
    for result in results {
      guard case .failed(let expected, let seen) = result.outcome else {
        Issue.record("\(mutation) was not caught: \(result)")
        continue
      }
      #expect(!expected.isEmpty && !seen.isEmpty)
      #expect(result.description == "\(mutation.caughtBy): expected \(expected), but \(seen)")
    }
  }

  @Test func theSuiteNamesEachCheckOnce() {
    #expect(Set(TransportConformance.checkNames).count == TransportConformance.checkNames.count)
    // And each finds something.
    #expect(Set(Mutation.allCases.map(\.caughtBy)) == Set(TransportConformance.checkNames))
  }
}
