import CentramNode
import CentramPluginAPI
import Foundation
import Testing

@Suite struct IdentityTests {
  let folder = try! TemporaryFolder()

  @Test func signaturesAreThoseOfTheStandard() throws {
    // RFC 8032, section 7.1, test 2.
    let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    let identity = NodeIdentity(seed: seed)
    #expect(identity.publicKey == hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    let wanted = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    #expect(try identity.sign([0x72]) == hex(wanted))
    #expect(throws: PluginError.self) { try identity.exportSeed() }
  }

  private func hex(_ text: String) -> [UInt8] {
    stride(from: 0, to: text.count, by: 2).map { UInt8(text.dropFirst($0).prefix(2), radix: 16)! }
  }

  @Test func theFileIsMadeOnceAndForItsOwnerAlone() throws {
    let path = folder("deep/identity")
    let one = try NodeIdentity(path: path), two = try NodeIdentity(path: path)
    #expect(one.publicKey == two.publicKey && one.publicKey != NodeIdentity(seed: Array(repeating: 0, count: 32)).publicKey)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("deep")) == ["identity"])
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    #expect(try #require(throws: PluginError.self) { try NodeIdentity(path: path) }.message.contains("others may read the node's key (mode 644)"))
    try folder.write("short", as: "short")
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder("short"))
    #expect(try #require(throws: PluginError.self) { try NodeIdentity(path: folder("short")) }.message.contains("5 bytes, not the 32 of a key"))
  }

  @Test func thoseWhoMakeItAtOnceEndWithTheSame() async throws {
    let path = folder("identity")
    let keys = await withTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<16 { group.addTask { (try? NodeIdentity(path: path))?.publicKey ?? [] } }
      return await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
    }
    #expect(keys.count == 1 && keys.first?.count == 32)
  }
}
