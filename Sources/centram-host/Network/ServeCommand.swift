internal import ArgumentParser
internal import CentramNode
internal import CentramPluginAPI
internal import Foundation

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Runs a node: listens, dials peers, keeps sessions with them.",
    discussion: """
      Needs no configuration. Its key and its control socket are in ~/.centram, so a folder has one running node. Control-C says goodbye to \
      every peer and ends with 0; centram-host peers asks a running node.
      """)
  @OptionGroup var options: HostOptions
  @Option(
    help: ArgumentHelp("Where to listen, such as quic://[::]:9741; port 0 for any. May be given again. Default: quic and tcp on 9741.", valueName: "address"))
  var listen: [String] = []
  @Option(help: ArgumentHelp("A peer to dial and to keep dialling: quic://host:port, id@quic://host:port, or a ticket. May be given again.", valueName: "peer"))
  var peer: [String] = []
  @Option(
    help: ArgumentHelp("A relay at which this node is to be reachable, and through which it reaches others: its ticket, or id@quic://host:port. Up to four.", valueName: "relay"))
  var relay: [String] = []
  @Flag(help: "Carry circuits for others: be a relay.") var openRelay = false
  @Option(help: ArgumentHelp("A name under which nodes find each other, through nodes that all know. Up to eight.", valueName: "topic")) var topic: [String] = []
  @Flag(help: "Neither announce nor look by multicast DNS.") var noMdns = false
  @Flag(help: "Neither send nor hear the signed broadcast.") var noBeacon = false
  @Flag(help: "Tell nobody of peers, and dial nobody that peers tell of.") var noExchange = false
  @Flag(help: "Print JSON: an object a line.") var json = false
  @Flag(help: "No lines but warnings and errors.") var quiet = false

  func run() throws {
    Interrupt.watch()
    try Terminal.reporting {
      var configuration = try options.nodeConfiguration()
      if noMdns { configuration.discovery.mdns = false }
      if noBeacon { configuration.discovery.beacon = false }
      if noExchange { configuration.discovery.exchange = false }
      var settings = NodeSettings()
      let wanted = listen.isEmpty ? configuration.listen : listen
      settings.listen = wanted.isEmpty ? NodeSettings.standardListen : wanted
      try configuration.gate.checkListening(on: settings.listen)
      settings.needsAllListeners = !wanted.isEmpty
      for text in relay { try configuration.traversal.use(text) }
      for name in topic { try configuration.discovery.join(name) }
      if openRelay { configuration.traversal.relay.isOpen = true }
      for text in configuration.peers + peer { settings.peers.append(try PeerReference.parse(text).reachable(through: configuration.traversal.relays)) }
      // A session with each relay stands all the time, for that is how the node is reached.
      settings.peers += configuration.traversal.relays.map { PeerReference(address: $0.address.description, key: $0.id, reason: "relay") }
      settings.limits = configuration.limits
      settings.agent = "centram \(CentramVersion.text)"
      let output = ServeOutput(json: json, quiet: quiet)
      try ServedNode(options: options, configuration: configuration, settings: settings, output: output).run()
    }
  }
}

/// What a running node prints.
struct ServeOutput: Sendable {
  let json: Bool, quiet: Bool

  private struct Line: Encodable { let event: String, level: String, message: String, time: Int64 }
  private struct Started: Encodable { let event = "started", id: String, listening: [String], version: String }

  func log(_ level: LogLevel, _ message: String) {
    guard level.rawValue >= LogLevel.info.rawValue, !quiet || level.rawValue >= LogLevel.warning.rawValue else { return }
    let now = Date()
    if json {
      write(Line(event: "log", level: "\(level)", message: message, time: Int64(now.timeIntervalSince1970 * 1000)))
    } else {
      var (seconds, parts) = (time_t(now.timeIntervalSince1970), tm())
      localtime_r(&seconds, &parts)
      let time = String(format: "%02d:%02d:%02d", parts.tm_hour, parts.tm_min, parts.tm_sec)
      Terminal.note("\(time) \(level == .info ? "" : "\(level): ")\(message)")
    }
  }

  func started(id: String, listening: [String]) {
    if json { return write(Started(id: id, listening: listening, version: CentramVersion.text)) }
    guard !quiet else { return }
    Terminal.write("node \(id)\n" + listening.map { "  \(id)@\($0)\n" }.joined(), to: STDOUT_FILENO)
  }

  private func write(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let line = try? encoder.encode(value) else { return }
    Terminal.write(String(decoding: line, as: UTF8.self) + "\n", to: STDOUT_FILENO)
  }
}
