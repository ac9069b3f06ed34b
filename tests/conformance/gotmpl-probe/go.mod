module gotmpl-probe

go 1.27
