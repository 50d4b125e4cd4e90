internal import ArgumentParser
internal import CentramNode
internal import CentramWire
internal import Foundation

struct TicketCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ticket", abstract: "Prints a text by which others reach this node, or reads another's.",
    discussion: "Give it to serve --peer on another machine. Without --address it names this machine's addresses with the ports that serve listens on.")
  @Argument(help: ArgumentHelp("A ticket to read. Without it this node's own is printed.", valueName: "ticket")) var ticket: String?
  @Option(help: ArgumentHelp("An address to put in, such as quic://192.0.2.7:9741. May be given up to eight times.", valueName: "address")) var address: [String] = []
  @Option(help: ArgumentHelp("A relay to put in: its own ticket, with the address that is to be dialled first. Default: the first of relay.use.", valueName: "ticket")) var relay:
    String?
  @Option(name: .customLong("config"), help: ArgumentHelp("The configuration file. Default: ~/.centram/config.json, where there is one.", valueName: "file"))
  var configurationFile: String?
  @Flag(help: "Print JSON.") var json = false

  private struct Summary: Encodable {
    let ticket: String, id: String, addresses: [String], relay: String?, relayAddress: String?
    init(_ ticket: Ticket) {
      (self.ticket, id, addresses) = (ticket.description, ticket.id.description, ticket.addresses.map(\.description))
      (relay, relayAddress) = (ticket.relay?.id.description, ticket.relay?.address.description)
    }
  }

  func run() throws {
    try Terminal.reporting {
      do {
        let result = try ticket.map { try Ticket(text: $0) } ?? own()
        if json { return try Terminal.printJSON(Summary(result)) }
        guard ticket != nil else { return print(result) }
        print("id       \(result.id)")
        for address in result.addresses { print("address  \(address)") }
        if let relay = result.relay { print("relay    \(relay.id)@\(relay.address)") }
      } catch let error as DiscoveryError { throw SessionError(.configuration, error.message) }
    }
  }

  private func own() throws -> Ticket {
    let identity = try NodeIdentity(path: HostOptions.folder + "/identity")
    guard let id = NodeKey(identity.publicKey) else { throw SessionError(.configuration, "the node's identity holds no key") }
    let configuration = try HostOptions.nodeConfiguration(configurationFile)
    let relays = try relay.map { try Ticket(text: $0) }
    var addresses = try address.map { try PeerAddress($0) }
    if addresses.isEmpty {
      let configured = configuration.listen
      addresses = OwnAddresses.expand(configured.isEmpty ? NodeSettings.standardListen : configured, over: try SystemNetwork().interfaces(), from: .site)
    }
    let given = relays.flatMap { relay in relay.addresses.first.map { Ticket.Relay(id: relay.id, address: $0) } }
    return try Ticket(id: id, addresses: addresses, relay: given ?? configuration.traversal.relays.first)
  }
}
