import CentramPluginAPI
import CentramPluginTesting
import Testing
import Transport_Memory

/// Transports as the host gets them: through the door of each plugin.
func transportFactory(_ descriptor: UnsafePointer<centram_descriptor_t>) throws -> TransportConformance.Factory {
  let box = try #require("centram.swift/1".withCString { descriptor.pointee.get_interface($0) })
  guard case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability else { throw PluginError(.invalid, "not a transport") }
  return make
}

@Suite struct ConformanceTests {
  @Test func memoryKeepsEveryPromiseOfATransport() async throws {
    let suite = TransportConformance(
      listenOn: "memory://", configurationJSON: #"{"network": "conformance"}"#, make: try transportFactory(Transport_Memory.centramPluginDescriptor()))
    let results = await suite.run()
    #expect(results.count == TransportConformance.checkNames.count)
    #expect(results.filter(\.failed) == [])
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
    #expect(Set(Mutation.allCases.map(\.caughtBy)).isSubset(of: Set(TransportConformance.checkNames)))
  }
}
