# rtsec_embed(TARGET SYMBOL FILE): puts FILE's bytes into TARGET as
#   extern const unsigned char SYMBOL[], SYMBOL_end[];
function(rtsec_embed target symbol file)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.S)
  file(CONFIGURE OUTPUT ${out} @ONLY CONTENT [[
	.section .rodata
	.global @symbol@
	.global @symbol@_end
	.balign 16
@symbol@:
	.incbin "@file@"
@symbol@_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
]])
  set_source_files_properties(${out} PROPERTIES OBJECT_DEPENDS ${file})
  target_sources(${target} PRIVATE ${out})
endfunction()
