import Calibration
import Canonical
import GraftTestSupport
import JSON
import Layouts
import Opening
import Runtime
import Tensors

@testable import Containers

extension MessageSection {
  /// What the tool checks before, so that only a program meets it that calls the modules.
  static let calls = MessageSection(
    "Calls from Swift",
    [
      .init("a model that lacks a tensor") {
        try $0.bound { $0.tensors[Role("gdn.k", layer: 0)] = nil }
      },
      .init("a tensor of another shape") {
        try $0.bound {
          $0.tensors[Role("gdn.k", layer: 0)] = CanonicalTensor(
            shape: [2, 2], values: [1, 2, 3, 4], origin: "some.weight")
        }
      },
      .init("numbers of heads that differ by layer") { shop in
        let layout = try LayoutCatalogue.builtIn().layout("gguf-qwen35")
        return try shop.thrown {
          try layout.configuration(from: [
            "qwen35.block_count": 4, "qwen35.attention.head_count_kv": [0, 2, 0, 4],
          ])
        }
      },
      .init("a prompt without tokens") { try $0.ran([]) },
      .init("a token that is none") { try $0.ran([1, 2, 5000]) },
      .init("more tokens than there is room for") { try $0.ran([1, 2, 3, 4, 5], capacity: 4) },
      .init("more tokens at a time than were announced") { shop in
        let model = try shop.canonical("lm-engine/gdn-hybrid")
        return try shop.thrown {
          let model = try Model(model)
          let workspace = try Workspace(model, segmentLength: 2, threads: 1)
          let state = try SequenceState(model, capacity: 8, segmentLength: 2)
          return try model.forward([1, 2, 3], state, workspace).positions
        }
      },
      .init("fitting a layer that is no M²RNN layer") { try $0.fitted("lm-engine/gdn-hybrid") },
      .init("fitting an M²RNN layer with many query heads") {
        try $0.fitted("options/m2rnn-heads-all")
      },
      .init("a size with a symbol of no value") { shop in
        try shop.thrown { try SizeExpression("nk*dv").value(["nk": 2]) }
      },
      .init("a size beyond all numbers") { shop in
        try shop.thrown { try SizeExpression("nk*nk").value(["nk": 1 << 40]) }
      },
      .init("metadata of no type") { shop in
        try shop.thrown { try GGUFConfig.metadata(["a": 1], types: [:], keeping: []) }
      },
      .init("a tensor of which fewer bytes come than were announced") { shop in
        let tensor = TensorToWrite(name: "w", type: .f32, shape: [8]) { _ in }
        return try shop.thrown {
          try Container.safetensors.write(
            [tensor], metadata: [], to: shop.folder.path.appending("w"))
        }
      },
    ])
}

extension Workshop {
  fileprivate func canonical(_ fixture: String) throws -> CanonicalModel {
    try OpenedModel(Fixtures.path(fixture), catalogue: .builtIn()).canonical
  }

  /// Binds a changed model for computing.
  fileprivate func bound(_ change: (inout CanonicalModel) -> Void) throws -> Message {
    var model = try canonical("lm-engine/gdn-hybrid")
    change(&model)
    return try thrown { try Model(model) }
  }

  fileprivate func ran(_ tokens: [Int], capacity: Int = 8) throws -> Message {
    let model = try Model(canonical("lm-engine/gdn-hybrid"))
    let state = try SequenceState(model, capacity: capacity)
    return try thrown {
      try model.run(tokens, state, Workspace(model, threads: 1)) { _ in }
    }
  }

  /// Fits the first layer of a model to itself.
  fileprivate func fitted(_ fixture: String) throws -> Message {
    let model = try canonical(fixture)
    return try thrown {
      try Calibration(.transfer).fitted(
        model, layer: 0, to: model, CalibrationSequences(only: [1, 2, 3, 4])
      ) { _ in }
    }
  }
}
