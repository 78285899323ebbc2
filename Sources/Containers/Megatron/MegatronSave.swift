import JSON
import Tensors

/// What a Megatron save has beside the weights, so that Megatron-LM and Megatron-Bridge begin with it.
public enum MegatronSave {
  /// A file and its bytes.
  public typealias File = (name: String, bytes: [UInt8])

  /// The directory of the iteration; an import is iteration 0.
  static let folder = "iter_0000000"
  /// The names of the files of the iteration.
  public static let names: Set<String> = [
    "metadata.json", "common.pt", "train_state.pt", "run_config.yaml",
  ]
  /// The names of the files beside the iteration.
  static let trackerNames = ["latest_checkpointed_iteration.txt", "latest_train_state.pt"]

  /// The files of the iteration.
  /// - Parameter options: what builds the model; nil for one that is not Megatron's.
  /// - Throws: `Problem` of kind `unsupported` where a reader would refuse a file for its size.
  public static func files(_ options: MegatronOptions?) throws -> [File] {
    let bridge = options.flatMap { $0.areOfBridge ? DumpedYAML.text($0.bridge) : nil }
    return [
      ("metadata.json", Array(backend.text(indent: 0).utf8)),
      ("common.pt", try TorchWriter.bytes(of: common(options?.arguments ?? JSONObject()))),
      ("train_state.pt", try trainState()),
    ] + (bridge.map { [("run_config.yaml", Array($0.utf8))] } ?? [])
  }

  /// The files beside the iteration, which tell that it is the newest.
  /// - Throws: `Problem` of kind `unsupported`.
  public static func trackers() throws -> [File] {
    [
      ("latest_checkpointed_iteration.txt", Array("0".utf8)),
      ("latest_train_state.pt", try trainState()),
    ]
  }

  private static let backend: JSONValue = [
    "sharded_backend": "torch_dist", "sharded_backend_version": 1, "common_backend": "torch",
    "common_backend_version": 1,
  ]

  /// What all ranks share. Megatron-LM asks the options for sizes of parallelism, and whether there are
  /// states of optimizer and random numbers.
  private static func common(_ options: JSONObject) -> PickleTree {
    let run: JSONObject = [
      "tensor_model_parallel_size": 1, "pipeline_model_parallel_size": 1, "no_save_optim": true,
      "no_save_rng": true, "ckpt_format": "torch_dist", "iteration": 0,
    ]
    let arguments = run.entries + options.entries.filter { run[$0.key] == nil }
    let content: JSONValue = [
      "distrib_optim_sharding_type": .null, "singleton_local_shards": false,
      "chained_optim_avoid_prefix": true,
    ]
    return .dictionary([
      (.text("checkpoint_version"), .real(3)), (.text("iteration"), .int(0)),
      (
        .text("args"),
        .object(
          .namespace, state: .dictionary(arguments.map { (.text($0.key), PickleTree($0.value)) }))
      ),
      (.text("content_metadata"), PickleTree(content)),
    ])
  }

  /// The state of a training that has not begun.
  private static func trainState() throws -> [UInt8] {
    let numbers: [(String, ScalarType)] = [
      ("step", .i32), ("consumed_train_samples", .i32), ("skipped_train_samples", .i32),
      ("consumed_valid_samples", .i32), ("floating_point_operations_so_far", .f32),
      ("do_train", .bool), ("do_valid", .bool), ("do_test", .bool),
    ]
    let headers = numbers.map { TensorHeader(name: $0, type: $1, shape: []) }
    return try TorchWriter.plan(of: headers).bytes(
      headers.map { [UInt8](repeating: 0, count: $0.byteCount) })
  }
}

extension PickleTree {
  /// The value that a JSON document says.
  init(_ value: JSONValue) {
    switch value {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .string(let value): self = .text(value)
    case .array(let values): self = .list(values.map { PickleTree($0) })
    case .object(let object):
      self = .dictionary(object.entries.map { (key: .text($0.key), value: PickleTree($0.value)) })
    default: self = value.int.map { .int($0) } ?? value.number.map { .real($0) } ?? .none
    }
  }
}
