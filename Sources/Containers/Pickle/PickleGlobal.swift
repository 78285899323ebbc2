import Tensors

/// A name of Python that a pickle may call or refer to; there are no others.
enum PickleGlobal: Hashable, Sendable {
  /// A function or class with a meaning of its own.
  case known(Known)
  /// A type of storage; nil for bytes without a type.
  case storage(ScalarType?)
  /// A `torch.dtype`.
  case type(ScalarType)
  /// A class whose objects say nothing here; they are dropped.
  case opaque

  /// Functions and classes, spelled as module and name.
  enum Known: String {
    case orderedDict = "collections OrderedDict"
    case counter = "collections Counter"
    case rebuildTensor = "torch._utils _rebuild_tensor"
    case rebuildTensorV2 = "torch._utils _rebuild_tensor_v2"
    case rebuildTensorV3 = "torch._utils _rebuild_tensor_v3"
    case rebuildParameter = "torch._utils _rebuild_parameter"
    case rebuildParameterWithState = "torch._utils _rebuild_parameter_with_state"
    case rebuildFromType = "torch._tensor _rebuild_from_type_v2"
    case rebuildWrapper = "torch._utils _rebuild_wrapper_subclass"
    case tensorClass = "torch Tensor"
    case parameterClass = "torch.nn.parameter Parameter"
    case size = "torch Size"
    case device = "torch device"
    case layout = "torch.serialization _get_layout"
    case encode = "_codecs encode"
    case attributes = "lightning.fabric.utilities.data AttributeDict"
    case attributesOfFabric = "lightning_fabric.utilities.data AttributeDict"
    case attributesBefore = "pytorch_lightning.utilities.parsing AttributeDict"
    case dictionaryWithDefault = "collections defaultdict"
    case namespace = "argparse Namespace"
    case dictionary = "builtins dict"
    case list = "builtins list"
    case integer = "builtins int"
    case real = "builtins float"
    case array = "numpy ndarray"
    case arrayType = "numpy dtype"
    case rebuildArray = "numpy.core.multiarray _reconstruct"
    case rebuildArray2 = "numpy._core.multiarray _reconstruct"
    case scalar = "numpy.core.multiarray scalar"
    case scalar2 = "numpy._core.multiarray scalar"
    case set = "builtins set"
    case set2 = "__builtin__ set"
    case byteArray = "builtins bytearray"
    case byteArray2 = "__builtin__ bytearray"
    case complex = "builtins complex"
    case complex2 = "__builtin__ complex"

    case metadata = "torch.distributed.checkpoint.metadata Metadata"
    case metadataIndex = "torch.distributed.checkpoint.metadata MetadataIndex"
    case tensorMetadata = "torch.distributed.checkpoint.metadata TensorStorageMetadata"
    case bytesMetadata = "torch.distributed.checkpoint.metadata BytesStorageMetadata"
    case chunkMetadata = "torch.distributed.checkpoint.metadata ChunkStorageMetadata"
    case tensorProperties = "torch.distributed.checkpoint.metadata TensorProperties"
    case memoryFormat = "torch.distributed.checkpoint.metadata _MEM_FORMAT_ENCODING"
    case storageMeta = "torch.distributed.checkpoint.metadata StorageMeta"
    case storageInfo = "torch.distributed.checkpoint.filesystem _StorageInfo"
    case distributedTensor = "torch.distributed.tensor DTensor"
    case shardingSpec = "torch.distributed.tensor DTensorSpec"
    case tensorMeta = "torch.distributed.tensor TensorMeta"
    case shard = "torch.distributed.tensor Shard"
    case stridedShard = "torch.distributed.tensor _StridedShard"
    case replicate = "torch.distributed.tensor Replicate"
    case partial = "torch.distributed.tensor Partial"
    case partialBefore = "torch.distributed.tensor _Partial"
    case shardOrder = "torch.distributed.tensor ShardOrderEntry"
    case deviceMesh = "torch.distributed.device_mesh DeviceMesh"
    case meshLayout = "torch.distributed._mesh_layout _MeshLayout"
    case meshAxis = "torch.distributed._mesh_layout _FlatLayout"

    case posixPath = "pathlib PosixPath"
    case posixPathLocal = "pathlib._local PosixPath"
  }

  /// The global of that name, or nil where it is not on the list.
  init?(module: String, name: String) {
    let module = Self.settled(module)
    if let known = Known(rawValue: "\(module) \(name)") {
      self = .known(known)
    } else if module == "torch", let type = ScalarType(torchStorage: name) {
      self = .storage(type)
    } else if module == "torch", let type = ScalarType(torchType: name) {
      self = .type(type)
    } else if module == "torch.storage", name == "UntypedStorage" {
      self = .storage(nil)
    } else if module == Self.planner, Self.plans.contains(name) {
      self = .opaque
    } else {
      return nil
    }
  }
}

extension PickleGlobal {
  /// The module of what ranks plan to write, of which Megatron keeps a copy in the metadata.
  private static let planner = "torch.distributed.checkpoint.planner"
  private static let plans: Set<String> = [
    "SavePlan", "WriteItem", "WriteItemType", "TensorWriteData", "BytesIOWriteData",
  ]

  /// The package of distributed tensors, whose classes move between its modules from release to release
  /// and keep their own names.
  private static let tensorPackage = "torch.distributed.tensor"
  private static let tensorPackageBefore = "torch.distributed._tensor"

  private static func settled(_ module: String) -> String {
    let isInside = [tensorPackage, tensorPackageBefore].contains {
      module == $0 || module.hasPrefix($0 + ".")
    }
    return isInside ? tensorPackage : module
  }
}

extension ScalarType {
  private static let torchNames: [(type: ScalarType, name: String, storage: String?)] = [
    (.f64, "float64", "DoubleStorage"), (.f32, "float32", "FloatStorage"),
    (.f16, "float16", "HalfStorage"), (.bf16, "bfloat16", "BFloat16Storage"),
    (.i64, "int64", "LongStorage"), (.i32, "int32", "IntStorage"),
    (.i16, "int16", "ShortStorage"), (.i8, "int8", "CharStorage"), (.u8, "uint8", "ByteStorage"),
    (.bool, "bool", "BoolStorage"), (.c64, "complex64", "ComplexFloatStorage"),
    (.u64, "uint64", nil), (.u32, "uint32", nil), (.u16, "uint16", nil),
    (.f8E4M3, "float8_e4m3fn", nil), (.f8E5M2, "float8_e5m2", nil),
    (.f8E4M3FNUZ, "float8_e4m3fnuz", nil), (.f8E5M2FNUZ, "float8_e5m2fnuz", nil),
    (.f8E8M0, "float8_e8m0fnu", nil),
  ]

  /// The type whose `torch.dtype` has that name.
  init?(torchType name: String) {
    guard let type = Self.torchNames.first(where: { $0.name == name })?.type else { return nil }
    self = type
  }

  /// The type of the elements of a storage class of torch.
  init?(torchStorage name: String) {
    guard let type = Self.torchNames.first(where: { $0.storage == name })?.type else { return nil }
    self = type
  }

  /// The name of the `torch.dtype`, or nil where torch has none.
  var torchType: String? { Self.torchNames.first { $0.type == self }?.name }

  /// The name of the storage class, or nil for types younger than those classes.
  var torchStorage: String? { Self.torchNames.first { $0.type == self }?.storage }
}
