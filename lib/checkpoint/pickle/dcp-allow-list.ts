import { currentModule, type GlobalName } from './allow-list.ts'

/** torch's modules whose classes a `.metadata` is made of. */
export const DCP_MODULES = {
  metadata: 'torch.distributed.checkpoint.metadata',
  filesystem: 'torch.distributed.checkpoint.filesystem',
} as const

/**
 * What the `.metadata` of `torch.distributed.checkpoint` may name, by module. Apart from what a checkpoint
 * that is published may: the two are read by different programs, and neither list is to grow for the other.
 */
const ALLOWED_NAMES: Readonly<Record<string, string>> = {
  [DCP_MODULES.metadata]: `
    BytesStorageMetadata ChunkStorageMetadata Metadata MetadataIndex StorageMeta TensorProperties
    TensorStorageMetadata _MEM_FORMAT_ENCODING`,
  [DCP_MODULES.filesystem]: '_StorageInfo',
  // torch before 2.3 kept them there.
  'torch.distributed._shard.metadata': 'ShardMetadata',
  'torch.distributed._shard.sharded_tensor.metadata': 'MEM_FORMAT_ENCODING TensorProperties',
  torch: `
    Size bfloat16 bool complex32 complex64 complex128 float16 float32 float64 half
    float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2
    int8 int16 int32 int64 uint8 uint16 uint32 uint64`,
  'torch.serialization': '_get_layout',
  builtins: 'bool dict float frozenset int list set str tuple',
  collections: 'OrderedDict defaultdict',
  pathlib: 'Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath',
  // Python 3.13's name for the same.
  'pathlib._local': 'Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath',
}

const ALLOWED: ReadonlySet<string> = new Set(
  Object.entries(ALLOWED_NAMES).flatMap(([module, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => `${module}\n${name}`),
  ),
)

/** Whether a global is on the list, as an exact pair of module and name. */
export function isDcpGlobal({ module, name }: GlobalName): boolean {
  return ALLOWED.has(`${currentModule(module)}\n${name}`)
}
