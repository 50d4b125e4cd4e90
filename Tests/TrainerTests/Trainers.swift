import CentramPluginAPI
import Trainers_DPLora
import Trainers_FullDelta
import Trainers_Lora

/// The trainers by id, taken through the door that a host takes them through.
func trainer(_ id: String, services: any HostServices = TestServices()) -> any Trainer {
  for descriptor in [Trainers_Lora.centramPluginDescriptor(), Trainers_FullDelta.centramPluginDescriptor(), Trainers_DPLora.centramPluginDescriptor()]
  where String(cString: descriptor.pointee.id) == id {
    guard let box = descriptor.pointee.get_interface("centram.swift/1"),
      case .trainer(let make) = Unmanaged<PluginBox>.fromOpaque(box).takeRetainedValue().capability,
      let trainer = try? make(PluginEnvironment(services: services))
    else { break }
    return trainer
  }
  preconditionFailure("no trainer \(id)")
}

let allTrainers = ["trainer.lora", "trainer.full-delta", "trainer.dp-lora"]
