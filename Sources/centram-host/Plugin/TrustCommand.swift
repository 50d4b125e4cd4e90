internal import ArgumentParser
internal import CentramHost
internal import CentramPackaging
internal import CentramPluginAPI
internal import Foundation

/// Whom a node trusts, as JSON.
struct TrustSummary: Encodable {
  struct Publisher: Encodable { let name: String, key: String, ids: [String], kinds: [String], isolate: Bool, revoked: String? }
  struct Revoked: Encodable { let key: String?, sha256: String?, date: String, reason: String }
  let publishers: [Publisher], revoked: [Revoked], untrusted: String

  init(_ policy: TrustPolicy) {
    publishers = policy.publishers.map {
      Publisher(
        name: $0.name, key: PublicKeyText.encode($0.key), ids: $0.ids, kinds: $0.kinds.map(\.rawValue).sorted(), isolate: $0.mustIsolate,
        revoked: policy.revokedKeys[$0.key].map { "\($0.date): \($0.reason)" })
    }
    revoked =
      policy.revokedKeys.map { Revoked(key: PublicKeyText.encode($0.key), sha256: nil, date: $0.value.date, reason: $0.value.reason) }.sorted { $0.key ?? "" < $1.key ?? "" }
      + policy.revokedHashes.map { Revoked(key: nil, sha256: $0.key, date: $0.value.date, reason: $0.value.reason) }.sorted { $0.sha256 ?? "" < $1.sha256 ?? "" }
    untrusted = policy.untrusted.rawValue
  }

  func print() {
    if publishers.isEmpty { Swift.print("nobody is trusted; see centram-host plugin trust --help") }
    for publisher in publishers {
      let kinds = publisher.kinds.isEmpty ? "any kind" : publisher.kinds.joined(separator: ", ")
      let notes = (publisher.isolate ? ", isolated" : "") + (publisher.revoked.map { ", REVOKED \($0)" } ?? "")
      Swift.print("\(publisher.name)  \(publisher.key)  \(publisher.ids.joined(separator: ", ")); \(kinds)\(notes)")
    }
    for entry in revoked { Swift.print("revoked \(entry.key.map { "key \($0)" } ?? "hash \(entry.sha256 ?? "")")  \(entry.date): \(entry.reason)") }
    Swift.print("what nobody above signed: \(untrusted)")
  }
}

extension PluginCommand {
  struct Trust: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "trust", abstract: "Trusts a publisher's key, within limits; --list shows who is trusted.",
      discussion: "An entry of the same name and key is replaced; a second key for a name stands beside the first. More in docs/plugins/trust.md.")
    @Argument(help: "The publisher's name, as its plugins say it.") var name: String?
    @Option(help: ArgumentHelp("Its Ed25519 public key: base64, 64 hexadecimal digits, or a PEM file.", valueName: "key")) var key: String?
    @Option(help: ArgumentHelp("An id it may publish, or com.acme.* for all that begin so. May be given again.", valueName: "id")) var ids: [String] = []
    @Option(help: ArgumentHelp("A kind it may publish. May be given again. Default: all.", valueName: "kind")) var kinds: [String] = []
    @Flag(help: "Run its plugins in processes of their own.") var isolate = false
    @Flag(help: "Show who is trusted and what is revoked, also by the configuration and the installation.") var list = false
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
      guard list != (name != nil) else { throw ValidationError("give a publisher's name, or --list") }
      guard list || key != nil && !ids.isEmpty else { throw ValidationError("--key and at least one --ids are needed") }
      let known = ["merge-operator", "gate-layer", "trainer", "economy-rule", "transport"]
      if let kind = kinds.first(where: { !known.contains($0) }) {
        throw ValidationError("there is no kind \(kind)\(NearestName.hint(for: kind, among: known)); there are \(known.joined(separator: ", "))")
      }
    }

    func run() throws {
      try Terminal.reporting {
        if let name, let key {
          let publisher = TrustPolicy.Publisher(
            name: name, key: try PublicKeyText.read(key), ids: ids, kinds: Set(kinds.map(PluginKind.init(rawValue:))), mustIsolate: isolate)
          try options.trustStore.update { (file) throws(HostError) in try file.trust(publisher) }
        }
        guard list || json else { return print("\(name ?? "") is trusted for \(ids.joined(separator: ", ")), in \(options.trustStore.path)") }
        let summary = TrustSummary(try options.nodeConfiguration().trust)
        if json { try Terminal.printJSON(summary) } else { summary.print() }
      }
    }
  }

  struct Untrust: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "untrust", abstract: "Trusts a publisher no more; what it signed counts as a stranger's. Where its key is lost, revoke it.")
    @Argument(help: "The publisher's name.") var name: String
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      try Terminal.reporting {
        let count = try options.trustStore.update { (file) throws(HostError) in try file.untrust(name) }
        if json { return try Terminal.printJSON(["removed": count]) }
        print("\(name) is trusted no more: \(Terminal.count(count, "key"))")
        if try options.nodeConfiguration().trust.publishers.contains(where: { $0.name == name }) {
          Terminal.note("the configuration or the installation trusts \(name) still; revoke it instead")
        }
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "revoke", abstract: "Withdraws a publisher's keys, one key, or one file by its hash, for good.",
      discussion: "A revocation goes before every trust. Running plugins give no more instances within a minute; those that were made go on until the node ends.")
    @Argument(help: "A publisher's name: all its keys.") var name: String?
    @Option(help: ArgumentHelp("A public key: base64, 64 hexadecimal digits, or a PEM file.", valueName: "key")) var key: String?
    @Option(help: ArgumentHelp("The SHA-256 of a library or of a plugin.json.", valueName: "sha256")) var hash: String?
    @Option(help: "Why, in one sentence; every refusal says it.") var reason: String
    @OptionGroup var options: HostOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
      guard [name, key, hash].count(where: { $0 != nil }) == 1 else { throw ValidationError("give one of: a publisher's name, --key, --hash") }
    }

    func run() throws {
      try Terminal.reporting {
        let today = Date.now.formatted(.iso8601.year().month().day()), revocation = TrustPolicy.Revocation(date: today, reason: reason)
        let known = name == nil ? [] : try options.nodeConfiguration().trust.publishers, publicKey = try key.map { try PublicKeyText.read($0) }
        let revoked = try options.trustStore.update { (file) throws(HostError) -> [String] in
          if let name { return try file.revoke(publisher: name, others: known, revocation).map(PublicKeyText.encode) }
          if let publicKey { file.revoke(key: publicKey, revocation) }
          if let hash { try file.revoke(hash: hash, revocation) }
          return [publicKey.map(PublicKeyText.encode) ?? hash ?? ""]
        }
        if json { try Terminal.printJSON(["revoked": revoked]) } else { for entry in revoked { print("revoked \(entry)") } }
      }
    }
  }
}
