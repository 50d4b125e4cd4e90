import CentramPluginAPI
import Foundation
import Testing

@testable import CentramNode

/// A node's key on the disk, whenever a change of it is cut short.
@Suite struct SuccessionTests {
  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "centram-identity-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder + "/identity")
  }

  @Test func theNewKeyTakesTheOldOnesPlaceAndTheOldOneIsKept() throws {
    try inFolder { path in
      let old = try NodeIdentity.opened(at: path), next = try NodeIdentity.prepareSuccessor(of: path)
      #expect(old.publicKey != next.publicKey)
      try NodeIdentity.completeSuccession(at: path)
      #expect(try NodeIdentity.opened(at: path).publicKey == next.publicKey)
      #expect(try NodeIdentity(path: NodeIdentity.predecessor(of: path)).publicKey == old.publicKey)
      // And again, over what the first change left.
      let third = try NodeIdentity.prepareSuccessor(of: path)
      try NodeIdentity.completeSuccession(at: path)
      #expect(try NodeIdentity.opened(at: path).publicKey == third.publicKey)
      #expect(try NodeIdentity(path: NodeIdentity.predecessor(of: path)).publicKey == next.publicKey)
    }
  }

  @Test func aChangeThatWasCutShortIsCompletedAtTheNextStart() throws {
    try inFolder { path in
      _ = try NodeIdentity.opened(at: path)
      // Peers may have heard of the new key by now, so there is no way back.
      let next = try NodeIdentity.prepareSuccessor(of: path)
      #expect(try NodeIdentity.prepareSuccessor(of: path).publicKey == next.publicKey)
      #expect(try NodeIdentity.opened(at: path).publicKey == next.publicKey)
      #expect(!FileManager.default.fileExists(atPath: path + ".next"))
    }
  }

  @Test func withoutAPreparedKeyNothingChanges() throws {
    try inFolder { path in
      let old = try NodeIdentity.opened(at: path)
      let error = #expect(throws: PluginError.self) { try NodeIdentity.completeSuccession(at: path) }
      #expect(error?.code == .inputOutput)
      #expect(try NodeIdentity.opened(at: path).publicKey == old.publicKey)
    }
  }
}
