# rtsec_bpf(NAME OPTIONS SOURCES...): compiles all .bpf.c as one object, makes NAME.skel.h of it.
# As one, for libbpf 1.1 cannot link two objects that call the same function of the kernel.
# OPTIONS: of the compiler; "": none.
find_program(BPF_CLANG NAMES clang clang-14 clang-15 clang-16 clang-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(RTSEC_BPF_ARCH arm64)
  set(RTSEC_BPF_TRIPLET aarch64-linux-gnu)
else()
  set(RTSEC_BPF_ARCH x86)
  set(RTSEC_BPF_TRIPLET x86_64-linux-gnu)
endif()

function(rtsec_bpf name options)
  set(all)
  foreach(source ${ARGN})
    string(APPEND all "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${source}\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.c CONTENT "${all}" @ONLY)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(plain ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.plain.o)
  set(skel ${CMAKE_BINARY_DIR}/bpf/${name}.skel.h)
  add_custom_command(OUTPUT ${object}
    COMMAND ${BPF_CLANG} -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Werror
      -Wno-missing-declarations -Wno-unused-parameter
      -D__TARGET_ARCH_${RTSEC_BPF_ARCH} ${options} -I${CMAKE_SOURCE_DIR}
      -idirafter /usr/include/${RTSEC_BPF_TRIPLET}
      -c ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.c -o ${object}
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.c ${ARGN} ${headers} VERBATIM)
  add_custom_command(OUTPUT ${skel}
    COMMAND ${BPFTOOL} gen object ${plain} ${object} # without what debuggers read
    COMMAND ${BPFTOOL} gen skeleton ${plain} name ${name}_bpf > ${skel}.tmp
    COMMAND ${CMAKE_COMMAND} -E rename ${skel}.tmp ${skel}
    DEPENDS ${object} VERBATIM)
  add_custom_target(${name}_skel DEPENDS ${skel})
endfunction()
