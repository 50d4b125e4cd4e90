import CSodium
import CentramPluginAPI
import Glibc

/// The least that a transport plugin needs of a host.
struct BenchHost: HostServices {
  let seed: [UInt8], key: [UInt8]

  init(node: UInt8) {
    seed = [UInt8](repeating: node, count: 32)
    var key = [UInt8](repeating: 0, count: 32), secret = [UInt8](repeating: 0, count: 64)
    crypto_sign_ed25519_seed_keypair(&key, &secret, seed)
    self.key = key
  }

  func service(_ id: String) -> (any Sendable)? {
    switch id {
    case "centram.clock/1": Clock()
    case "centram.random/1": Random()
    case "centram.identity/1": Identity(host: self)
    default: nil
    }
  }
  func log(_ level: LogLevel, _ message: String) {}

  struct Clock: ClockService {
    var unixMilliseconds: Int64 { Int64(time(nil)) * 1000 }
    var monotonicNanoseconds: UInt64 { nanoseconds() }
  }
  struct Random: RandomService {
    func fill(_ bytes: UnsafeMutableRawBufferPointer) { randombytes_buf(bytes.baseAddress!, bytes.count) }
  }
  struct Identity: IdentityService {
    let host: BenchHost
    var publicKey: [UInt8] { host.key }
    func sign(_ message: [UInt8]) throws(PluginError) -> [UInt8] {
      var signature = [UInt8](repeating: 0, count: 64)
      crypto_sign_ed25519_detached(&signature, nil, message, UInt64(message.count), host.seed + host.key)
      return signature
    }
    func exportSeed() throws(PluginError) -> [UInt8] { host.seed }
  }
}

/// An instance of the transport `id` from a library, through the plugin's door but without the host's checks.
func makeTransport(library: String, id: String, node: UInt8) throws(PluginError) -> any Transport {
  guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else { throw PluginError(.unavailable, String(cString: dlerror())) }
  let symbol = "centram_plugin_descriptor__" + id.map { $0 == "." ? "_" : $0 }
  guard let address = dlsym(handle, symbol) else { throw PluginError(.unavailable, "\(library) has no \(symbol)") }
  typealias Door = @convention(c) () -> UnsafePointer<centram_descriptor_t>
  let descriptor = unsafeBitCast(address, to: Door.self)().pointee
  guard let interface = "centram.swift/1".withCString({ descriptor.get_interface($0) }),
    case .transport(let make) = Unmanaged<PluginBox>.fromOpaque(interface).takeRetainedValue().capability
  else { throw PluginError(.invalid, "\(id) is no transport") }
  let settings = getenv("BENCH_SETTINGS").map { String(cString: $0) } ?? "{}"
  return try make(PluginEnvironment(services: BenchHost(node: node), configurationJSON: settings))
}

func nanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Seconds of processor time of this process.
func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Resident kilobytes of this process.
func residentKilobytes() -> Int {
  guard let file = fopen("/proc/self/statm", "r") else { return 0 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 200)
  guard fgets(&line, 200, file) != nil else { return 0 }
  let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
  return (Int(fields[1]) ?? 0) * 4
}
