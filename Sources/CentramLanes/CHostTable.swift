package import CentramPluginAPI
internal import Synchronization

/// The host as a plugin in the C lane sees it. Tables are handed out for good, so what is made here is never freed: a
/// few hundred bytes a plugin, and a plugin is never unloaded.
package final class CHostTable: Sendable {
  private let services: any HostServices
  private let tables = Mutex<[String: UInt]>([:])
  /// The identity that was there when a plugin first asked.
  private let first = Mutex<(any IdentityService)?>(nil)
  private var identity: (any IdentityService)? { services.service("centram.identity/1") as? any IdentityService ?? first.withLock { $0 } }

  private init(services: any HostServices) { self.services = services }

  package static func make(services: any HostServices) -> UnsafePointer<centram_host_t> {
    var table = centram_host_t()
    table.struct_size = UInt32(MemoryLayout<centram_host_t>.size)
    table.c_abi_minor = UInt32(CENTRAM_C_ABI_MINOR)
    table.context = Unmanaged.passRetained(CHostTable(services: services)).toOpaque()
    table.log = { context, level, message in
      guard let message else { return }
      object(context, as: CHostTable.self).services.log(LogLevel(rawValue: level) ?? .info, String(cString: message))
    }
    table.get_service = { context, id in
      id.flatMap { object(context, as: CHostTable.self).table(String(cString: $0)) }
    }
    return kept(table)
  }

  /// The same table each time for the same id.
  private func table(_ id: String) -> UnsafeRawPointer? {
    let address = tables.withLock { tables in
      if let known = tables[id] { return known }
      let new = UInt(bitPattern: makeTable(id))
      if new != 0 { tables[id] = new }
      return new
    }
    return UnsafeRawPointer(bitPattern: address)
  }

  private func makeTable(_ id: String) -> UnsafeRawPointer? {
    switch (id, services.service(id)) {
    case ("centram.clock/1", let clock as any ClockService):
      var table = centram_clock_v1_t()
      (table.struct_size, table.context) = (UInt32(MemoryLayout<centram_clock_v1_t>.size), keep(clock, as: (any ClockService).self))
      table.unix_milliseconds = { kept($0, as: (any ClockService).self).unixMilliseconds }
      table.monotonic_nanoseconds = { kept($0, as: (any ClockService).self).monotonicNanoseconds }
      return UnsafeRawPointer(kept(table))
    case ("centram.random/1", let random as any RandomService):
      var table = centram_random_v1_t()
      (table.struct_size, table.context) = (UInt32(MemoryLayout<centram_random_v1_t>.size), keep(random, as: (any RandomService).self))
      table.fill = { kept($0, as: (any RandomService).self).fill(UnsafeMutableRawBufferPointer(start: $1, count: $2)) }
      return UnsafeRawPointer(kept(table))
    case ("centram.identity/1", let identity as any IdentityService):
      // Asked for each time: a suite gives instances of one library an identity each.
      first.withLock { $0 = identity }
      var table = centram_identity_v1_t()
      (table.struct_size, table.context) = (UInt32(MemoryLayout<centram_identity_v1_t>.size), Unmanaged.passUnretained(self).toOpaque())
      table.public_key = { copy(object($0, as: CHostTable.self).identity?.publicKey ?? [], to: $1, count: 32) }
      table.sign = { context, message, count, signature in
        let bytes = Array(UnsafeBufferPointer(start: message, count: count))
        return statusForC { () throws(PluginError) in
          copy(try object(context, as: CHostTable.self).identity?.sign(bytes) ?? [], to: signature, count: 64)
        }
      }
      table.export_seed = { context, seed in
        statusForC { () throws(PluginError) in
          copy(try object(context, as: CHostTable.self).identity?.exportSeed() ?? [], to: seed, count: 32)
        }
      }
      return UnsafeRawPointer(kept(table))
    default: return nil
    }
  }
}

/// Copies to memory that is never freed.
private func kept<Table>(_ table: Table) -> UnsafePointer<Table> {
  let pointer = UnsafeMutablePointer<Table>.allocate(capacity: 1)
  pointer.initialize(to: table)
  return UnsafePointer(pointer)
}

/// The type is named, for else an existential would be opened and its content kept instead of it.
private func keep<Service>(_ service: Service, as type: Service.Type) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(mutating: kept(service)) }

private func kept<Service>(_ context: UnsafeMutableRawPointer?, as type: Service.Type) -> Service {
  guard let context else { preconditionFailure("a plugin called a service of its host without the service's context") }
  return context.assumingMemoryBound(to: type).pointee
}

private func copy(_ bytes: [UInt8], to target: UnsafeMutablePointer<UInt8>?, count: Int) {
  for (index, byte) in bytes.prefix(count).enumerated() { target?[index] = byte }
}
