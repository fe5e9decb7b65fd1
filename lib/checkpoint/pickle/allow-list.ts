import type { GlobalNode } from './node.ts'

/** Names by module; each name stands for itself alone, no prefix and no pattern. */
type NamesByModule = Readonly<Record<string, string>>

/** What torch 2.13's weights-only loader allows (`torch/_weights_only_unpickler.py`, `_get_allowed_globals`). */
const TORCH: NamesByModule = {
  torch: `
    BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage
    FloatStorage HalfStorage IntStorage LongStorage QInt32Storage QInt8Storage QUInt2x4Storage QUInt4x2Storage
    QUInt8Storage ShortStorage
    BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor
    ShortTensor Tensor Size device
    bfloat16 bits16 bits1x8 bits2x4 bits4x2 bits8 bool complex128 complex32 complex64 float16 float32
    float4_e2m1fn_x2 float64 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu
    int1 int2 int3 int4 int5 int6 int7 int8 int16 int32 int64
    uint1 uint2 uint3 uint4 uint5 uint6 uint7 uint8 uint16 uint32 uint64
    qint32 qint8 quint2x4 quint4x2 quint8
    per_channel_affine per_channel_affine_float_qparams per_channel_symmetric per_tensor_affine
    per_tensor_symmetric`,
  'torch.cuda': `
    BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage ComplexFloatStorage DoubleStorage
    FloatStorage HalfStorage IntStorage LongStorage ShortStorage
    BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor
    ShortTensor`,
  'torch.sparse': `
    BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor`,
  'torch.cuda.sparse': `
    BFloat16Tensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor`,
  'torch.storage': 'TypedStorage UntypedStorage',
  'torch.nn.parameter': 'Parameter',
  'torch.serialization': '_get_layout',
  'torch._tensor': '_rebuild_from_type_v2',
  'torch._utils': `
    _rebuild_device_tensor_from_cpu_tensor _rebuild_device_tensor_from_numpy _rebuild_meta_tensor_no_storage
    _rebuild_nested_tensor _rebuild_parameter _rebuild_parameter_with_state _rebuild_qtensor
    _rebuild_sparse_tensor _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_wrapper_subclass`,
  _codecs: 'encode',
  builtins: 'bytearray complex set',
  collections: 'Counter OrderedDict',
}

/** Data of Python and numpy that MMEngine's checkpoints hold beside tensors; none of them runs other code. */
const DATA: NamesByModule = {
  builtins: 'bool bytes dict float frozenset int list slice str tuple',
  collections: 'defaultdict deque',
  datetime: 'date datetime time timedelta timezone',
  numpy: 'dtype ndarray',
  'numpy.core.multiarray': '_reconstruct scalar',
  'numpy._core.multiarray': '_reconstruct scalar',
  'numpy.core.numeric': '_frombuffer',
  'numpy._core.numeric': '_frombuffer',
}

/** MMEngine's own, in `meta` and `message_hub`; the methods are each HistoryBuffer's `statistics_methods`. */
const MMENGINE: NamesByModule = {
  'mmengine.config.config': 'ConfigDict',
  'mmengine.logging.history_buffer': `
    HistoryBuffer HistoryBuffer.current HistoryBuffer.max HistoryBuffer.mean HistoryBuffer.min`,
}

const ALLOWED: ReadonlySet<string> = new Set(
  [TORCH, DATA, MMENGINE].flatMap((table) =>
    Object.entries(table).flatMap(([module, names]) =>
      names
        .trim()
        .split(/\s+/)
        .map((name) => `${module}\n${name}`),
    ),
  ),
)

/** Python 2's names, which protocol 2 still writes and every reader translates. */
const PYTHON_2_MODULES: Readonly<Record<string, string>> = { __builtin__: 'builtins' }

/** Python's name for a module that protocol 2 may name as Python 2 did. */
export function currentModule(module: string): string {
  return (Object.hasOwn(PYTHON_2_MODULES, module) && PYTHON_2_MODULES[module]) || module
}

/** A class or function by its names: exact ones, no prefix and no pattern. */
export type GlobalName = Pick<GlobalNode, 'module' | 'name'>

/** Whether a pickle may name a global. */
export type Allows = (global: GlobalName) => boolean

/** Whether a global is on the list, as an exact pair of module and name. */
export const isAllowed: Allows = (global) => ALLOWED.has(pairOf(global))

/**
 * The list, and what someone permits beside it. A person names `package.module.Outer.Inner`, of which nobody
 * can tell where the module ends: the whole of it counts.
 */
export function allowing(permitted: readonly GlobalName[]): Allows {
  const names = new Set(permitted.map(dottedName))
  return (global) => isAllowed(global) || names.has(dottedName(global))
}

/** A global as people name it: `package.module.Name`, the module by its name of today. */
export function dottedName({ module, name }: GlobalName): string {
  return `${currentModule(module)}.${name}`
}

/** The global that a text such as `package.module.Name` names, or nothing where it names none. */
export function globalNamed(text: string): GlobalName | undefined {
  if (!/^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(text)) return undefined
  const dot = text.lastIndexOf('.')
  return { module: text.slice(0, dot), name: text.slice(dot + 1) }
}

function pairOf({ module, name }: GlobalName): string {
  return `${currentModule(module)}\n${name}`
}

/** Whether a global is this one, by whichever of its module's names. */
export function isGlobal(global: GlobalName, module: string, name: string): boolean {
  return currentModule(global.module) === module && global.name === name
}
