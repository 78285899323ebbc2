import JSON
import Packing
import Splicing

/// A reader of bytes that come from elsewhere.
enum FuzzTarget: String, CaseIterable {
  case safetensors, index, json, recipe, config, formats, tokens, tokenizer, ranked
  case zip, npz, pickle, torch, distributed, gguf, blocks
  case mlx, awq, gptq, bitsandbytes, modelopt
  case compressedTensors = "compressed-tensors"
  case common
  case runConfig = "run-config"

  /// The most memory that an input may need at any moment.
  ///
  /// - Units: bytes.
  func bound(of count: Int) -> Int {
    switch self {
    case .config: 512 << 20
    case .formats: 64 << 20
    case .pickle, .torch, .distributed, .common, .tokenizer, .ranked: (1 << 20) + 512 * count
    default: (1 << 20) + 128 * count
    }
  }

  /// Reads an input.
  /// - Throws: `Problem` where it is refused.
  func read(_ input: UnsafeRawBufferPointer) throws {
    switch self {
    case .safetensors: try ContainerReaders.safetensors(input)
    case .index: try TextReaders.index(input)
    case .json: try TextReaders.json(input)
    case .recipe: _ = try PlainYAML.value(String(decoding: input, as: UTF8.self))
    case .config: try ModelReaders.config(input)
    case .formats:
      try ModelReaders.formats(input)
      try LayoutCheckReader.check(input)
    case .tokens: try TextReaders.tokens(input)
    case .tokenizer: try TokenizerReader.read(input)
    case .ranked: try TokenizerReader.ranked(input)
    case .zip: try ContainerReaders.zip(input)
    case .npz: try ContainerReaders.npz(input)
    case .pickle: try ContainerReaders.pickle(input)
    case .torch: try ContainerReaders.torch(input)
    case .distributed: try ContainerReaders.distributed(input)
    case .gguf: try ContainerReaders.gguf(input)
    case .blocks: BlockReader.read(input)
    case .mlx: try PackingReader.read(input, MLXPacking.self)
    case .awq: try PackingReader.read(input, AWQPacking.self)
    case .gptq: try PackingReader.read(input, GPTQPacking.self)
    case .bitsandbytes: try PackingReader.read(input, BitsandbytesPacking.self)
    case .modelopt: try PackingReader.read(input, ModelOptPacking.self)
    case .common: try ContainerReaders.common(input)
    case .runConfig: try ContainerReaders.runConfig(input)
    case .compressedTensors: try PackingReader.read(input, CompressedTensorsPacking.self)
    }
  }
}
