import CentramPluginAPI
import Glibc

// Roles in processes of their own, so that a script can pin them and read what each used:
//   centram-transport-bench LIBRARY ID ADDRESS serve                       prints the address
//   centram-transport-bench LIBRARY ID ADDRESS bulk BYTES STREAMS
//   centram-transport-bench LIBRARY ID ADDRESS ping COUNT SIZE
//   centram-transport-bench LIBRARY ID ADDRESS frames COUNT SIZE           round trips of signed frames
//   centram-transport-bench LIBRARY ID ADDRESS handshakes COUNT HELD       dials COUNT times with HELD connections open
//   centram-transport-bench LIBRARY ID ADDRESS hold COUNT                  prints the memory that COUNT connections take
// Each prints JSON. compare.py runs them against each other.

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 4 else {
  print("usage: centram-transport-bench LIBRARY ID ADDRESS serve|bulk|ping|frames|handshakes|hold [VALUES]")
  exit(64)
}
let values = arguments.dropFirst(4).compactMap { Int($0) }
func value(_ index: Int, _ standard: Int) -> Int { index < values.count ? values[index] : standard }

let isServer = arguments[3] == "serve"
let transport = try makeTransport(library: arguments[0], id: arguments[1], node: isServer ? 2 : 1)
switch arguments[3] {
case "serve": try await serve(transport, arguments[2])
case "bulk": try await bulk(transport, arguments[2], bytes: value(0, 1 << 30), streams: value(1, 1))
case "ping": try await ping(transport, arguments[2], count: value(0, 10_000), size: value(1, 64))
case "frames": try await frameTrips(transport, arguments[2], count: value(0, 5_000), size: value(1, 1024))
case "handshakes": try await handshakes(transport, arguments[2], count: value(0, 200), held: value(1, 0))
case "hold": try await hold(transport, arguments[2], count: value(0, 1000))
default:
  print("not a role: \(arguments[3])")
  exit(64)
}
