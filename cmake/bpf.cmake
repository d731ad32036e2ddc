# rtsec_bpf(NAME SOURCES...): compiles each .bpf.c, links them into one object, makes NAME.skel.h.
find_program(BPF_CLANG NAMES clang clang-14 clang-15 clang-16 clang-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(RTSEC_BPF_ARCH arm64)
  set(RTSEC_BPF_TRIPLET aarch64-linux-gnu)
else()
  set(RTSEC_BPF_ARCH x86)
  set(RTSEC_BPF_TRIPLET x86_64-linux-gnu)
endif()

function(rtsec_bpf name)
  set(objects)
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  foreach(source ${ARGN})
    get_filename_component(base ${source} NAME_WLE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${base}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${BPF_CLANG} -target bpf -g -O2 -mcpu=v3 -Wall -Wextra -Werror
        -Wno-missing-declarations -Wno-unused-parameter
        -D__TARGET_ARCH_${RTSEC_BPF_ARCH} -I${CMAKE_SOURCE_DIR}
        -idirafter /usr/include/${RTSEC_BPF_TRIPLET}
        -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
      DEPENDS ${source} ${headers} VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.linked.o)
  set(skel ${CMAKE_BINARY_DIR}/bpf/${name}.skel.h)
  add_custom_command(OUTPUT ${skel}
    COMMAND ${BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${BPFTOOL} gen skeleton ${linked} name ${name}_bpf > ${skel}.tmp
    COMMAND ${CMAKE_COMMAND} -E rename ${skel}.tmp ${skel}
    DEPENDS ${objects} VERBATIM)
  add_custom_target(${name}_skel DEPENDS ${skel})
endfunction()
