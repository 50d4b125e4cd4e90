internal import CentramPluginAPI
internal import CentramWire

/// The two streams of a circuit at the relay.
struct Junction: Sendable {
  var streams: [NodeKey: any TransportStream] = [:]
  /// Both are there, or never will be.
  let ready = Signal()
  let over = Signal()
  var finished = 0
}

extension RelayService {
  /// A peer's stream of a circuit: carries what comes on it to the other end. Returns when the circuit is over, in both directions.
  func carry(_ stream: any TransportStream, _ id: CircuitID, for peer: NodeKey) async {
    let join = server.join(id, by: peer, now: now)
    guard join != .refused else { return await stream.reset(code: 2) }
    let junction = junctions[id] ?? Junction()
    junctions[id] = junction
    junctions[id]?.streams[peer] = stream
    if join == .open {
      junction.ready.send()
    } else {
      _ = try? await clock.withDeadline(milliseconds: settings[.circuitOpeningMilliseconds]) {
        junction.ready.send()
      } _: {
        await junction.ready.wait()
      }
    }
    guard !Task.isCancelled, let other = junctions[id]?.streams.first(where: { $0.key != peer })?.value, let last = server.end(of: id) else {
      await stream.reset(code: 2)
      return await end(id)
    }
    let left = Int(clamping: (last - min(last, now)) / 1_000_000 + 1)
    _ = try? await clock.withDeadline(milliseconds: left) {
      await self.end(id)
    } _: {
      await self.pump(stream, other, id)
      await junction.over.wait()
    }
    await end(id)
  }

  /// One direction, to its end.
  private nonisolated func pump(_ source: any TransportStream, _ target: any TransportStream, _ id: CircuitID) async {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
    defer { buffer.deallocate() }
    do {
      while true {
        let count = try await source.receive(into: buffer)
        guard count > 0 else {
          try await target.finish()
          return await finishedOne(id)
        }
        guard try await mayCarry(count, id) else { return await end(id) }
        try await target.send(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      }
    } catch { await end(id) }
  }

  /// Waits until so many bytes may be carried.
  /// - Returns: false where the circuit is over.
  private func mayCarry(_ count: Int, _ id: CircuitID) async throws -> Bool {
    while true {
      switch server.carry(count, on: id, now: now) {
      case .carry: return true
      case .wait(let nanoseconds): try await clock.sleep(until: now + nanoseconds)
      case .end(let reason):
        node?.log(.debug, "circuit \(id) ends: \(reason)")
        return false
      }
    }
  }

  private func finishedOne(_ id: CircuitID) async {
    junctions[id]?.finished += 1
    if junctions[id]?.finished == 2 { await end(id) }
  }

  /// Ends a circuit and lets everybody go who waits for it.
  func end(_ id: CircuitID) async {
    server.close(id)
    guard let junction = junctions.removeValue(forKey: id) else { return }
    junction.ready.send()
    junction.over.send()
    // Streams that both sides finished have nothing left that a reset could drop.
    if junction.finished < 2 { for stream in junction.streams.values { await stream.reset(code: 2) } }
  }
}
