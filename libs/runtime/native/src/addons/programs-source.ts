import type { AddonSource } from "./addon-source.ts";

/**
 * A Node-API addon that runs a whole list of TensorFlow's operations at once, by its C interface, where tfjs-node comes
 * back to JavaScript after each. A program's tensors have numbered slots.
 * - `create(slots)`: an empty program
 * - `source(program, slot, type, shape, values?)`: a tensor whose bytes are `values`, or come with each run
 * - `operation(program, name, inputs, outputs, done)`: slots; those of `done` are not used after it
 * - `attribute(program, name, kind, value)`: of the last operation; kinds and types are numbers of TensorFlow's
 * - `result(program, slot, offset)`: the slot's bytes go there
 * - `run(program, values, out)`: `values` of the sources that have none yet, in their order; what is aligned is read
 *   where it lies. `out`: a Uint8Array for the results. Returns how many milliseconds of it went into these
 *
 * Everything on the CPU, in the calling thread but for what TensorFlow gives its own.
 */
const source = `#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <node_api.h>
#include <tensorflow/c/c_api.h>
#include <tensorflow/c/eager/c_api.h>

typedef struct { char *name; int kind; bool is_list; int count; int64_t integer; double number; char *text; int64_t *list; } attribute_t;
typedef struct { char *name; int32_t *inputs, *outputs, *done; size_t inputs_n, outputs_n, done_n; attribute_t *attributes; size_t attributes_n; } operation_t;
typedef struct { int32_t slot; TF_DataType type; int rank; int64_t shape[8]; size_t bytes; TF_Tensor *constant; } source_t;
typedef struct { int32_t slot; size_t offset; } result_t;
typedef struct {
  int32_t slots;
  TFE_TensorHandle **handles;
  source_t *sources; size_t sources_n;
  operation_t *operations; size_t operations_n;
  result_t *results; size_t results_n;
} program_t;

static napi_value refuse(napi_env env, const char *what) {
  char text[128];
  snprintf(text, sizeof text, "programs: %s", what);
  napi_throw_type_error(env, NULL, text);
  return NULL;
}

static void *grown(void *list, size_t count, size_t bytes) {
  /* Always one more than there are: lists are short and made once. */
  return realloc(list, (count + 1) * bytes);
}

static void empty(program_t *program) {
  for (int32_t i = 0; i < program->slots; i++)
    if (program->handles[i] != NULL) TFE_DeleteTensorHandle(program->handles[i]);
  memset(program->handles, 0, (size_t)program->slots * sizeof *program->handles);
}

static void destroy(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  program_t *program = data;
  empty(program);
  for (size_t i = 0; i < program->operations_n; i++) {
    operation_t *operation = &program->operations[i];
    for (size_t k = 0; k < operation->attributes_n; k++) {
      free(operation->attributes[k].name);
      free(operation->attributes[k].text);
      free(operation->attributes[k].list);
    }
    free(operation->attributes);
    free(operation->name);
    free(operation->inputs);
    free(operation->outputs);
    free(operation->done);
  }
  for (size_t i = 0; i < program->sources_n; i++)
    if (program->sources[i].constant != NULL) TF_DeleteTensor(program->sources[i].constant);
  free(program->operations);
  free(program->sources);
  free(program->results);
  free(program->handles);
  free(program);
}

static bool arguments(napi_env env, napi_callback_info info, size_t wanted, napi_value *args, program_t **program) {
  size_t count = wanted;
  return napi_get_cb_info(env, info, &count, args, NULL, NULL) == napi_ok && count >= wanted - 1 &&
         napi_get_value_external(env, args[0], (void **)program) == napi_ok;
}

static bool slot_of(napi_env env, napi_value value, program_t *program, int32_t *slot) {
  return napi_get_value_int32(env, value, slot) == napi_ok && *slot >= 0 && *slot < program->slots;
}

static char *text_of(napi_env env, napi_value value, int *length) {
  size_t bytes;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &bytes) != napi_ok) return NULL;
  char *text = malloc(bytes + 1);
  if (text != NULL) napi_get_value_string_utf8(env, value, text, bytes + 1, &bytes);
  if (length != NULL) *length = (int)bytes;
  return text;
}

static bool bytes_of(napi_env env, napi_value value, void **data, size_t *bytes) {
  napi_typedarray_type type;
  size_t length;
  if (napi_get_typedarray_info(env, value, &type, &length, data, NULL, NULL) != napi_ok) return false;
  size_t width = type == napi_float32_array || type == napi_int32_array ? 4 : type == napi_uint8_array ? 1 : 0;
  *bytes = length * width;
  return width > 0;
}

/* An Int32Array, each of which is a slot. */
static int32_t *slots_of(napi_env env, napi_value value, program_t *program, size_t *count) {
  napi_typedarray_type type;
  void *data;
  if (napi_get_typedarray_info(env, value, &type, count, &data, NULL, NULL) != napi_ok || type != napi_int32_array) return NULL;
  int32_t *slots = malloc((*count + 1) * sizeof *slots);
  if (slots == NULL) return NULL;
  if (*count > 0) memcpy(slots, data, *count * sizeof *slots);
  for (size_t i = 0; i < *count; i++)
    if (slots[i] < 0 || slots[i] >= program->slots) {
      free(slots);
      return NULL;
    }
  return slots;
}

static napi_value create(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value args[1], result;
  int32_t slots;
  if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count < 1 ||
      napi_get_value_int32(env, args[0], &slots) != napi_ok || slots < 1)
    return refuse(env, "create takes a number of slots");
  program_t *program = calloc(1, sizeof *program);
  if (program != NULL) program->handles = calloc((size_t)slots, sizeof *program->handles);
  if (program == NULL || program->handles == NULL) {
    free(program);
    return refuse(env, "no memory");
  }
  program->slots = slots;
  if (napi_create_external(env, program, destroy, NULL, &result) == napi_ok) return result;
  destroy(env, program, NULL);
  return refuse(env, "no memory");
}

static napi_value add_source(napi_env env, napi_callback_info info) {
  napi_value args[5];
  program_t *program;
  source_t one;
  int32_t type;
  size_t rank;
  void *shape;
  napi_typedarray_type kind;
  napi_valuetype given;
  memset(&one, 0, sizeof one);
  if (!arguments(env, info, 5, args, &program) || !slot_of(env, args[1], program, &one.slot) ||
      napi_get_value_int32(env, args[2], &type) != napi_ok ||
      napi_get_typedarray_info(env, args[3], &kind, &rank, &shape, NULL, NULL) != napi_ok || kind != napi_int32_array ||
      rank > 8)
    return refuse(env, "source takes a slot, a type and a shape");
  one.type = (TF_DataType)type;
  one.rank = (int)rank;
  one.bytes = TF_DataTypeSize(one.type);
  for (size_t i = 0; i < rank; i++) {
    one.shape[i] = ((int32_t *)shape)[i];
    one.bytes *= (size_t)one.shape[i];
  }
  if (napi_typeof(env, args[4], &given) == napi_ok && given != napi_undefined) {
    void *data;
    size_t bytes;
    if (!bytes_of(env, args[4], &data, &bytes) || bytes != one.bytes) return refuse(env, "a constant has other bytes than its shape");
    one.constant = TF_AllocateTensor(one.type, one.shape, one.rank, one.bytes);
    if (one.constant == NULL) return refuse(env, "no memory");
    if (bytes > 0) memcpy(TF_TensorData(one.constant), data, bytes);
  }
  program->sources = grown(program->sources, program->sources_n, sizeof one);
  program->sources[program->sources_n++] = one;
  return NULL;
}

static napi_value add_operation(napi_env env, napi_callback_info info) {
  napi_value args[5];
  program_t *program;
  operation_t one;
  memset(&one, 0, sizeof one);
  if (!arguments(env, info, 5, args, &program) || (one.name = text_of(env, args[1], NULL)) == NULL ||
      (one.inputs = slots_of(env, args[2], program, &one.inputs_n)) == NULL ||
      (one.outputs = slots_of(env, args[3], program, &one.outputs_n)) == NULL || one.outputs_n < 1 || one.outputs_n > 16 ||
      (one.done = slots_of(env, args[4], program, &one.done_n)) == NULL)
    return refuse(env, "operation takes a name, inputs, outputs and what is done with");
  program->operations = grown(program->operations, program->operations_n, sizeof one);
  program->operations[program->operations_n++] = one;
  return NULL;
}

static napi_value add_attribute(napi_env env, napi_callback_info info) {
  napi_value args[4];
  program_t *program;
  attribute_t one;
  napi_valuetype type;
  memset(&one, 0, sizeof one);
  if (!arguments(env, info, 4, args, &program) || program->operations_n == 0 ||
      (one.name = text_of(env, args[1], NULL)) == NULL || napi_get_value_int32(env, args[2], &one.kind) != napi_ok ||
      napi_typeof(env, args[3], &type) != napi_ok)
    return refuse(env, "attribute takes a name, a kind and a value");
  bool flag;
  if (type == napi_number) {
    napi_get_value_double(env, args[3], &one.number);
    napi_get_value_int64(env, args[3], &one.integer);
  } else if (type == napi_boolean) {
    napi_get_value_bool(env, args[3], &flag);
    one.integer = flag ? 1 : 0;
  } else if (type == napi_string) {
    one.text = text_of(env, args[3], &one.count);
  } else {
    napi_typedarray_type kind;
    size_t length;
    void *data;
    if (napi_get_typedarray_info(env, args[3], &kind, &length, &data, NULL, NULL) != napi_ok || kind != napi_int32_array)
      return refuse(env, "attribute takes a number, a boolean, a string or an Int32Array");
    one.is_list = true;
    one.count = (int)length;
    one.list = malloc((length + 1) * sizeof *one.list);
    for (size_t i = 0; i < length; i++) one.list[i] = ((int32_t *)data)[i];
  }
  operation_t *last = &program->operations[program->operations_n - 1];
  last->attributes = grown(last->attributes, last->attributes_n, sizeof one);
  last->attributes[last->attributes_n++] = one;
  return NULL;
}

static napi_value add_result(napi_env env, napi_callback_info info) {
  napi_value args[3];
  program_t *program;
  result_t one;
  int64_t offset;
  if (!arguments(env, info, 3, args, &program) || !slot_of(env, args[1], program, &one.slot) ||
      napi_get_value_int64(env, args[2], &offset) != napi_ok || offset < 0)
    return refuse(env, "result takes a slot and where its bytes go");
  one.offset = (size_t)offset;
  program->results = grown(program->results, program->results_n, sizeof one);
  program->results[program->results_n++] = one;
  return NULL;
}

/* Memory that JavaScript owns and that outlives the run. */
static void keep(void *data, size_t bytes, void *argument) {
  (void)data;
  (void)bytes;
  (void)argument;
}

static void set(TFE_Op *op, const attribute_t *attribute, TF_Status *status) {
  const char *name = attribute->name;
  switch (attribute->kind) {
    case TF_ATTR_STRING:
      TFE_OpSetAttrString(op, name, attribute->text, (size_t)attribute->count);
      break;
    case TF_ATTR_INT:
      if (attribute->is_list) TFE_OpSetAttrIntList(op, name, attribute->list, attribute->count);
      else TFE_OpSetAttrInt(op, name, attribute->integer);
      break;
    case TF_ATTR_FLOAT:
      TFE_OpSetAttrFloat(op, name, (float)attribute->number);
      break;
    case TF_ATTR_BOOL:
      TFE_OpSetAttrBool(op, name, attribute->integer != 0);
      break;
    case TF_ATTR_TYPE:
      TFE_OpSetAttrType(op, name, (TF_DataType)attribute->integer);
      break;
    case TF_ATTR_SHAPE:
      TFE_OpSetAttrShape(op, name, attribute->list, attribute->count, status);
      break;
    default:
      TF_SetStatus(status, TF_INVALID_ARGUMENT, "an attribute of a kind that programs do not have");
  }
}

static bool execute(TFE_Context *context, program_t *program, const operation_t *operation, TF_Status *status) {
  TFE_Op *op = TFE_NewOp(context, operation->name, status);
  if (TF_GetCode(status) != TF_OK) return false;
  for (size_t i = 0; i < operation->inputs_n && TF_GetCode(status) == TF_OK; i++) {
    TFE_TensorHandle *input = program->handles[operation->inputs[i]];
    if (input == NULL) TF_SetStatus(status, TF_INVALID_ARGUMENT, "an input that is not there yet");
    else TFE_OpAddInput(op, input, status);
  }
  for (size_t i = 0; i < operation->attributes_n && TF_GetCode(status) == TF_OK; i++)
    set(op, &operation->attributes[i], status);
  TFE_TensorHandle *outputs[16];
  int count = (int)operation->outputs_n;
  if (TF_GetCode(status) == TF_OK) TFE_Execute(op, outputs, &count, status);
  TFE_DeleteOp(op);
  if (TF_GetCode(status) != TF_OK) return false;
  for (int i = 0; i < count; i++) program->handles[operation->outputs[i]] = outputs[i];
  for (size_t i = 0; i < operation->done_n; i++) {
    TFE_TensorHandle **handle = &program->handles[operation->done[i]];
    if (*handle != NULL) TFE_DeleteTensorHandle(*handle);
    *handle = NULL;
  }
  return true;
}

static bool feed(napi_env env, program_t *program, napi_value values, TF_Status *status) {
  uint32_t next = 0;
  for (size_t i = 0; i < program->sources_n; i++) {
    source_t *one = &program->sources[i];
    TF_Tensor *tensor = one->constant;
    if (tensor == NULL) {
      napi_value value;
      void *data;
      size_t bytes;
      if (napi_get_element(env, values, next++, &value) != napi_ok || !bytes_of(env, value, &data, &bytes) || bytes != one->bytes) {
        TF_SetStatus(status, TF_INVALID_ARGUMENT, "a source has other bytes than its shape");
        return false;
      }
      tensor = TF_NewTensor(one->type, one->shape, one->rank, data, bytes, keep, NULL);
    }
    program->handles[one->slot] = TFE_NewTensorHandle(tensor, status);
    if (tensor != one->constant) TF_DeleteTensor(tensor);
    if (TF_GetCode(status) != TF_OK) return false;
  }
  return true;
}

static bool take(program_t *program, char *out, size_t room, TF_Status *status) {
  for (size_t i = 0; i < program->results_n; i++) {
    TFE_TensorHandle *handle = program->handles[program->results[i].slot];
    if (handle == NULL) {
      TF_SetStatus(status, TF_INVALID_ARGUMENT, "a result that is not there");
      return false;
    }
    TF_Tensor *tensor = TFE_TensorHandleResolve(handle, status);
    if (TF_GetCode(status) != TF_OK) return false;
    size_t bytes = TF_TensorByteSize(tensor), offset = program->results[i].offset;
    bool fits = offset <= room && bytes <= room - offset;
    if (fits && bytes > 0) memcpy(out + offset, TF_TensorData(tensor), bytes);
    TF_DeleteTensor(tensor);
    if (!fits) {
      TF_SetStatus(status, TF_OUT_OF_RANGE, "no room for a result");
      return false;
    }
  }
  return true;
}

static void forget(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  TFE_DeleteContext(data);
}

static TFE_Context *context_of(napi_env env, TF_Status *status) {
  void *known = NULL;
  if (napi_get_instance_data(env, &known) == napi_ok && known != NULL) return known;
  TFE_ContextOptions *options = TFE_NewContextOptions();
  TFE_Context *context = TFE_NewContext(options, status);
  TFE_DeleteContextOptions(options);
  if (TF_GetCode(status) != TF_OK) return NULL;
  napi_set_instance_data(env, context, forget, NULL);
  return context;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static napi_value run(napi_env env, napi_callback_info info) {
  napi_value args[3];
  program_t *program;
  void *out;
  size_t room;
  bool is_array;
  if (!arguments(env, info, 3, args, &program) || napi_is_array(env, args[1], &is_array) != napi_ok || !is_array ||
      !bytes_of(env, args[2], &out, &room))
    return refuse(env, "run takes the sources' values and a Uint8Array");
  TF_Status *status = TF_NewStatus();
  TFE_Context *context = context_of(env, status);
  const char *where = "the beginning";
  bool well = context != NULL && feed(env, program, args[1], status);
  for (size_t i = 0; well && i < program->operations_n; i++) {
    where = program->operations[i].name;
    well = execute(context, program, &program->operations[i], status);
  }
  double before = now_ms();
  well = well && take(program, out, room, status);
  double taken_ms = now_ms() - before;
  empty(program);
  if (!well) {
    char text[512];
    snprintf(text, sizeof text, "%s: %s", where, TF_Message(status));
    napi_throw_error(env, NULL, text);
  }
  TF_DeleteStatus(status);
  napi_value result;
  return well && napi_create_double(env, taken_ms, &result) == napi_ok ? result : NULL;
}

NAPI_MODULE_INIT() {
  napi_property_descriptor functions[] = {
      {"create", NULL, create, NULL, NULL, NULL, napi_enumerable, NULL},
      {"source", NULL, add_source, NULL, NULL, NULL, napi_enumerable, NULL},
      {"operation", NULL, add_operation, NULL, NULL, NULL, napi_enumerable, NULL},
      {"attribute", NULL, add_attribute, NULL, NULL, NULL, napi_enumerable, NULL},
      {"result", NULL, add_result, NULL, NULL, NULL, napi_enumerable, NULL},
      {"run", NULL, run, NULL, NULL, NULL, napi_enumerable, NULL},
  };
  napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
  return exports;
}
`;

/** 2 × 3 by a product of matrices, twice. TF_FLOAT is 1, TF_ATTR_TYPE 4. */
const check = `
const programs = require(process.argv[1]);
const program = programs.create(3);
const shape = Int32Array.of(1, 1);
programs.source(program, 0, 1, shape, Float32Array.of(2));
programs.source(program, 1, 1, shape);
programs.operation(program, "MatMul", Int32Array.of(0, 1), Int32Array.of(2), Int32Array.of(0, 1));
programs.attribute(program, "T", 4, 1);
programs.result(program, 2, 4);
for (const factor of [3, 4]) {
  const out = new Float32Array(2);
  programs.run(program, [Float32Array.of(factor)], new Uint8Array(out.buffer));
  if (out[1] !== 2 * factor) throw new Error("2 * " + factor + " is not " + out[1]);
}
`;

export const programsAddon: AddonSource = {
  ...{ name: "programs", title: "whole micro-batches in one call of TensorFlow" },
  ...{ source, check },
  usesTensorFlow: true,
  flags: [["-O2"]],
};
