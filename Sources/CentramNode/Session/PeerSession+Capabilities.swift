internal import CentramWire

/// What the ends can do: told whole in the beginning and when asked, and by its changes after that.
extension PeerSession {
  func announceCapabilities() {
    var message = currentCapabilities()
    capabilityRevision += 1
    message.revision = capabilityRevision
    announced = message
    _ = try? post(message)
  }

  /// Tells the peer what has changed since it was told last.
  func announceChanges() {
    guard link != nil, let old = announced else { return }
    let new = currentCapabilities()
    var update = WireCapabilitiesUpdate()
    (update.pluginsAdded, update.pluginsRemoved) = (new.plugins.filter { !old.plugins.contains($0) }, old.plugins.filter { plugin in !new.plugins.contains { $0.id == plugin.id } })
    update.modelsAdded = new.models.filter { !old.models.contains($0) }
    update.modelsRemoved = old.models.map(\.model).filter { model in !new.models.contains { $0.model == model } }
    (update.gatePolicy, update.disabledGateLayers) = (new.gatePolicy, new.disabledGateLayers)
    (update.freeMemory, update.roles) = (new.freeMemory, new.roles)
    let isSame =
      update.pluginsAdded.isEmpty && update.pluginsRemoved.isEmpty && update.modelsAdded.isEmpty && update.modelsRemoved.isEmpty && new.gatePolicy == old.gatePolicy
      && new.disabledGateLayers == old.disabledGateLayers && new.freeMemory == old.freeMemory && new.roles == old.roles
    guard !isSame else { return }
    capabilityRevision += 1
    update.revision = capabilityRevision
    announced = new
    _ = try? post(update)
  }

  private func currentCapabilities() -> WireCapabilities {
    var message = services.capabilities()
    message.maximumRequests = UInt32(clamping: services.limits[.servedRequests])
    message.maximumBytesInFlight = UInt64(services.limits[.bytesReceivedInFlight])
    return message
  }

  /// Suspends until the peer said what it can, or the session ends.
  public func waitForCapabilities() async {
    await hasCapabilities.wait()
  }

  func takeCapabilities(_ message: WireCapabilities) {
    capabilities = message
    hasCapabilities.send()
  }

  /// Takes a change. After a gap the whole is asked for.
  func takeUpdate(_ update: WireCapabilitiesUpdate) {
    guard var known = capabilities, update.revision == known.revision + 1 else {
      var ping = WirePing()
      (ping.received, ping.wantCapabilities) = (check.contiguous, true)
      _ = try? post(ping)
      return
    }
    known.revision = update.revision
    let gone = Set(update.pluginsRemoved.map(\.id) + update.pluginsAdded.map(\.id))
    known.plugins = known.plugins.filter { !gone.contains($0.id) } + update.pluginsAdded
    let models = Set(update.modelsRemoved + update.modelsAdded.map(\.model))
    known.models = known.models.filter { !models.contains($0.model) } + update.modelsAdded
    (known.gatePolicy, known.disabledGateLayers) = (update.gatePolicy, update.disabledGateLayers)
    (known.freeMemory, known.roles) = (update.freeMemory, update.roles)
    capabilities = known
    services.counters.add(.capabilityUpdates)
  }
}
