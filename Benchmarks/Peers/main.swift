internal import CentramNode
internal import CentramPluginAPI
internal import CentramWire
internal import Foundation
internal import Transport_Quic

// Many peers of one node, over QUIC on the loopback, in two processes so that a script can pin them and read what each used:
//   centram-peers-bench serve                      prints ID@ADDRESS, and for each line it reads what it holds and used
//   centram-peers-bench clients PEER COUNT SECONDS
// COUNT nodes with keys of their own connect and then ask, one question after another, for SECONDS. Each prints JSON. peers.py runs both.

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "serve" where arguments.count == 1: try await serve()
case "clients" where arguments.count == 4:
  guard let count = Int(arguments[2]), (1...10_000).contains(count), let seconds = Int(arguments[3]) else { usage() }
  try await clients(of: PeerReference.parse(arguments[1]), count: count, seconds: seconds)
default: usage()
}

func usage() -> Never {
  print("usage: centram-peers-bench serve | clients PEER COUNT SECONDS")
  exit(64)
}

func serve() async throws {
  var settings = NodeSettings()
  settings.listen = ["quic://127.0.0.1:0"]
  for limit in [Limit.handshakesPerMinute, .peers, .halfOpenHandshakes] { settings.limits[limit] = 100_000 }
  let node = try BenchNode(number: 0, settings: settings).node
  node.handlers.on(WireFindNode.self) { _, _ in WireFindNodeReply() }
  Task { try await node.run() }
  await node.waitUntilStarted()
  let empty = Usage.now
  print("\(await node.key.publicKey)@\(await node.listening[0])")
  fflush(nil)
  while readLine() != nil {
    let usage = Usage.now, peers = await node.sessions().count
    print(
      "{\"peers\": \(peers), \"kb_per_peer\": \(Double(usage.residentKilobytes - empty.residentKilobytes) / Double(max(1, peers))), \"cpu_seconds\": \(usage.processorSeconds - empty.processorSeconds)}"
    )
    fflush(nil)
  }
}

func clients(of server: PeerReference, count: Int, seconds: Int) async throws {
  var settings = NodeSettings()
  settings.peers = [server]
  let begun = ContinuousClock.now
  var nodes: [NetworkNode] = []
  for number in 1...count {
    let node = try BenchNode(number: number, settings: settings).node
    Task { try await node.run() }
    await node.waitUntilStarted()
    await node.wait { $0.contains { $0.state == .connected } }
    nodes.append(node)
  }
  let connecting = begun.duration(to: .now)
  print("{\"connected\": \(count), \"seconds\": \(connecting / .seconds(1))}")
  fflush(nil)
  _ = readLine()
  let end = ContinuousClock.now.advanced(by: .seconds(seconds))
  let all = await withTaskGroup(of: [Double].self) { group in
    for node in nodes {
      group.addTask {
        var times: [Double] = []
        while ContinuousClock.now < end, let session = await node.sessions().first?.session {
          var question = WireFindNode()
          question.target = Data(repeating: 7, count: 32)
          question.maximum = 1
          let asked = ContinuousClock.now
          guard (try? await session.request(question, for: WireFindNodeReply.self)) != nil else { break }
          times.append(asked.duration(to: .now) / .milliseconds(1))
        }
        return times
      }
    }
    return await group.reduce(into: [[Double]]()) { $0.append($1) }
  }
  let counts = all.map(\.count), times = all.flatMap { $0 }.sorted()
  func quantile(_ part: Double) -> Double { times.isEmpty ? 0 : times[min(times.count - 1, Int(Double(times.count) * part))] }
  print(
    "{\"answers\": \(times.count), \"least_of_a_peer\": \(counts.min() ?? 0), \"most_of_a_peer\": \(counts.max() ?? 0), \"p50_ms\": \(quantile(0.5)), \"p99_ms\": \(quantile(0.99)), \"longest_ms\": \(times.last ?? 0)}"
  )
}
