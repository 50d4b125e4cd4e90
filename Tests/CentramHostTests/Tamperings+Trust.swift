import CentramHost
import CentramPluginAPI
import Foundation

extension Tampering {
  /// A good plugin signed by acme, and then something done to its folder or to what the operator trusts.
  static func signed(
    _ name: String, _ check: PluginCheck, _ sentence: String, trusting: @escaping @Sendable (inout TrustPolicy, Signers, _ path: String) throws -> Void,
    _ harm: @escaping @Sendable (_ path: String, Signers) throws -> Void = { _, _ in }
  ) -> Tampering {
    Tampering(name: name, check: check, sentence: sentence) { signers in
      let path = try Workshop.plugin(Workshop.library("merge"), id: "test.merge.center", kind: .mergeOperator, signedBy: signers.acme.secretKey)
      var trust = signers.trust()
      try trusting(&trust, signers, path)
      try harm(path, signers)
      return (path, trust)
    }
  }

  static func harmed(_ name: String, _ check: PluginCheck, _ sentence: String, _ harm: @escaping @Sendable (_ path: String, Signers) throws -> Void) -> Tampering {
    signed(name, check, sentence, trusting: { _, _, _ in }, harm)
  }

  static func manifestBytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path + "/plugin.json"))) }
  static func library(in path: String) throws -> String { try "\(path)/\(PluginManifest.decode(manifestBytes(path)).library)" }
  static func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  /// Puts a link in the place of a file, which goes on elsewhere.
  static func replaceByLink(_ file: String) throws {
    let elsewhere = try Workshop.folder("elsewhere") + "/file"
    try FileManager.default.moveItem(atPath: file, toPath: elsewhere)
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: elsewhere)
  }

  static func replaceByPipe(_ file: String) throws {
    try FileManager.default.removeItem(atPath: file)
    guard mkfifo(file, 0o600) == 0 else { throw POSIXError(.EIO) }
  }
}

private let lost = TrustPolicy.Revocation(date: "2026-11-30", reason: "its owner lost it")

/// What somebody may do to a signed plugin's files, and what the operator withdraws.
let trustTamperings: [Tampering] = [
  .harmed("a link instead of plugin.json", .folder, "plugin.json is a symbolic link") { path, _ in try Tampering.replaceByLink(path + "/plugin.json") },
  .harmed("a link instead of the signature", .folder, "plugin.json.sig is a symbolic link") { path, _ in try Tampering.replaceByLink(path + "/plugin.json.sig") },
  .harmed("a link to nowhere instead of the signature", .folder, "plugin.json.sig is a symbolic link") { path, _ in
    try FileManager.default.removeItem(atPath: path + "/plugin.json.sig")
    try FileManager.default.createSymbolicLink(atPath: path + "/plugin.json.sig", withDestinationPath: "nowhere")
  },
  .harmed("a link instead of the library", .hash, ".so is a symbolic link") { path, _ in try Tampering.replaceByLink(Tampering.library(in: path)) },
  .harmed("a pipe instead of plugin.json", .folder, "plugin.json is not a file") { path, _ in try Tampering.replaceByPipe(path + "/plugin.json") },
  .harmed("a pipe instead of the signature", .folder, "plugin.json.sig is not a file") { path, _ in try Tampering.replaceByPipe(path + "/plugin.json.sig") },
  .harmed("a pipe instead of the library", .hash, ".so is not a file") { path, _ in try Tampering.replaceByPipe(Tampering.library(in: path)) },
  .harmed("a folder instead of the signature", .folder, "plugin.json.sig is not a file") { path, _ in
    try FileManager.default.removeItem(atPath: path + "/plugin.json.sig")
    try FileManager.default.createDirectory(atPath: path + "/plugin.json.sig", withIntermediateDirectories: false)
  },
  .harmed("a link to the folder, whose library was changed", .hash, "is not the file that plugin.json names") { path, _ in
    try Tampering.write([1, 2, 3], to: Tampering.library(in: path))
    let elsewhere = try Workshop.folder("elsewhere") + "/plugin"
    try FileManager.default.moveItem(atPath: path, toPath: elsewhere)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: elsewhere)
  },
  .harmed("a library that was changed through another name", .hash, "is not the file that plugin.json names") { path, _ in
    let library = try Tampering.library(in: path), other = try Workshop.folder("elsewhere") + "/same"
    try FileManager.default.linkItem(atPath: library, toPath: other)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: other))
    try handle.seek(toOffset: 200)
    try handle.write(contentsOf: Data([0xCC]))
    try handle.close()
  },
  .harmed("another library of the same folder under the name", .hash, "is not the file that plugin.json names") { path, _ in
    let other = try Data(contentsOf: URL(fileURLWithPath: Workshop.library("gate")))
    try other.write(to: URL(fileURLWithPath: Tampering.library(in: path)))
  },
  .harmed("a byte behind the library", .hash, "is not the file that plugin.json names") { path, _ in
    let library = try Tampering.library(in: path)
    try Tampering.write(Array(Data(contentsOf: URL(fileURLWithPath: library))) + [0], to: library)
  },
  .harmed("a signature without its last byte", .signature, "has 63 bytes; an Ed25519 signature has 64") { path, signers in
    try Tampering.write(PluginSignature.sign(Tampering.manifestBytes(path), secretKey: signers.acme.secretKey).dropLast(), to: path + "/plugin.json.sig")
  },
  .harmed("a byte behind the signature", .signature, "has 65 bytes; an Ed25519 signature has 64") { path, signers in
    try Tampering.write(PluginSignature.sign(Tampering.manifestBytes(path), secretKey: signers.acme.secretKey) + [0], to: path + "/plugin.json.sig")
  },
  .harmed("an empty signature", .signature, "has 0 bytes; an Ed25519 signature has 64") { path, _ in try Tampering.write([], to: path + "/plugin.json.sig") },
  .harmed("a signature of 5000 bytes", .folder, "larger than the limit of 4096 bytes") { path, _ in
    try Tampering.write([UInt8](repeating: 1, count: 5000), to: path + "/plugin.json.sig")
  },
  .harmed("the publisher's signature of another plugin", .signature, "not the signature of a trusted publisher") { path, signers in
    let other = try Workshop.plugin(Workshop.library("gate"), id: "test.gate.words", kind: .gateLayer)
    try Tampering.write(PluginSignature.sign(Tampering.manifestBytes(other), secretKey: signers.acme.secretKey), to: path + "/plugin.json.sig")
  },
  .harmed("a signature over the library", .signature, "not the signature of a trusted publisher") { path, signers in
    let library = Array(try Data(contentsOf: URL(fileURLWithPath: Tampering.library(in: path))))
    try Tampering.write(PluginSignature.sign(library, secretKey: signers.acme.secretKey), to: path + "/plugin.json.sig")
  },
  .harmed("one bit of the signature", .signature, "not the signature of a trusted publisher") { path, signers in
    var signature = try PluginSignature.sign(Tampering.manifestBytes(path), secretKey: signers.acme.secretKey)
    signature[63] ^= 0x40
    try Tampering.write(signature, to: path + "/plugin.json.sig")
  },
  .harmed("plugin.json written anew with the same meaning", .signature, "not the signature of a trusted publisher") { path, _ in
    let value = try JSONSerialization.jsonObject(with: Data(Tampering.manifestBytes(path)))
    try Tampering.write(Array(JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])), to: path + "/plugin.json")
  },
  .harmed("an older plugin.json beside the newer signature", .signature, "not the signature of a trusted publisher") { path, signers in
    let text = String(decoding: try Tampering.manifestBytes(path), as: UTF8.self).replacing("1.0.0", with: "0.9.0")
    try Tampering.write(Array(text.utf8), to: path + "/plugin.json")
  },
  .harmed("no signature any more", .signature, "there is no plugin.json.sig") { path, _ in try FileManager.default.removeItem(atPath: path + "/plugin.json.sig") },
  .signed(
    "a revoked key", .signature, "the key that signed it was revoked on 2026-11-30: its owner lost it",
    trusting: { trust, signers, _ in
      trust.revokedKeys[signers.acme.publicKey] = lost
    }),
  .signed(
    "a revoked key that another entry trusts for all", .signature, "the key that signed it was revoked",
    trusting: { trust, signers, _ in
      trust.publishers.insert(.init(name: "everybody", key: signers.acme.publicKey, ids: ["*"]), at: 0)
      trust.revokedKeys[signers.acme.publicKey] = lost
    }),
  .signed(
    "a revoked key that nobody trusts, where strangers may come in", .signature, "the key that signed it was revoked",
    trusting: { trust, signers, _ in
      (trust.publishers, trust.untrusted) = ([], .allow)
      trust.revokedKeys[signers.acme.publicKey] = lost
    }),
  .signed(
    "a revoked plugin.json", .signature, "was revoked on 2026-11-30: its owner lost it",
    trusting: { trust, _, path in
      trust.revokedHashes[try SHA256.hex(ofFile: path + "/plugin.json")] = lost
    }),
  .signed(
    "a revoked plugin.json without its signature", .signature, "was revoked on",
    trusting: { trust, _, path in
      trust.untrusted = .allow
      trust.revokedHashes[try SHA256.hex(ofFile: path + "/plugin.json")] = lost
    }
  ) { path, _ in try FileManager.default.removeItem(atPath: path + "/plugin.json.sig") },
  .signed(
    "a revoked library", .rights, "was revoked on 2026-11-30: its owner lost it",
    trusting: { trust, _, path in
      trust.revokedHashes[try SHA256.hex(ofFile: Tampering.library(in: path))] = lost
    }),
  .signed(
    "a trusted publisher's plugin whose key counts for another", .rights, "names the publisher",
    trusting: { trust, signers, _ in
      trust.publishers = [.init(name: "umbrella", key: signers.acme.publicKey, ids: ["*"])]
    }
  ) { path, signers in
    let text = String(decoding: try Tampering.manifestBytes(path), as: UTF8.self).replacing("\"schema\"", with: "\"publisher\": \"acme\", \"schema\"")
    try Tampering.write(Array(text.utf8), to: path + "/plugin.json")
    try Tampering.write(PluginSignature.sign(Array(text.utf8), secretKey: signers.acme.secretKey), to: path + "/plugin.json.sig")
  },
  .signed(
    "an id that only begins like the publisher's", .rights, "may not publish the id test.merge.center, only test.merge.cente",
    trusting: { trust, _, _ in
      trust.publishers[0].ids = ["test.merge.cente"]
    }),
  .signed(
    "an unsigned plugin where strangers are isolated", .rights, "no trusted publisher signed it, and plugins.untrusted is isolate",
    trusting: { trust, _, _ in
      (trust.publishers, trust.untrusted) = ([], .isolate)
    }
  ) { path, _ in try FileManager.default.removeItem(atPath: path + "/plugin.json.sig") },
  .signed(
    "an unsigned plugin under a trusted publisher's id, where strangers may come in", .rights,
    "the id test.merge.center is acme's, which did not sign this plugin",
    trusting: { trust, _, _ in
      trust.untrusted = .allow
    }
  ) { path, _ in try FileManager.default.removeItem(atPath: path + "/plugin.json.sig") },
  .signed(
    "a stranger's signature where strangers may come in", .signature, "its publisher is to be trusted first",
    trusting: { trust, _, _ in
      (trust.publishers, trust.untrusted) = ([], .allow)
    }),
]
