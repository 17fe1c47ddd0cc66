// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * AXI-Stream skid buffer: registers every output, tready included.
 *
 * One beat a clock without bubbles, one clock of latency. s_axis_tready comes from one register,
 * so that no path leads from m_axis_tready through the buffer; the beat that is under way when
 * the sink stops is parked in the side register.
 *
 * Left out: tkeep, tid, tdest and tuser; put them into tdata.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module axis_skid #
(
    parameter DATA_WIDTH = 64
)
(
    input  wire                  clk,
    input  wire                  rst,

    // AXI-Stream in
    input  wire [DATA_WIDTH-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    input  wire                  s_axis_tlast,

    // AXI-Stream out
    output wire [DATA_WIDTH-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready,
    output wire                  m_axis_tlast
);

initial begin
    if (DATA_WIDTH < 1) begin
        $error("DATA_WIDTH must be at least 1 (instance %m)");
        $finish;
    end
end

reg [DATA_WIDTH-1:0] main_data_reg = {DATA_WIDTH{1'b0}}, main_data_next;
reg main_last_reg = 1'b0, main_last_next;
reg main_valid_reg = 1'b0, main_valid_next;

reg [DATA_WIDTH-1:0] side_data_reg = {DATA_WIDTH{1'b0}}, side_data_next;
reg side_last_reg = 1'b0, side_last_next;
reg side_valid_reg = 1'b0, side_valid_next;

assign s_axis_tready = !side_valid_reg;

assign m_axis_tdata = main_data_reg;
assign m_axis_tvalid = main_valid_reg;
assign m_axis_tlast = main_last_reg;

always @* begin
    main_data_next = main_data_reg;
    main_last_next = main_last_reg;
    main_valid_next = main_valid_reg;
    side_data_next = side_data_reg;
    side_last_next = side_last_reg;
    side_valid_next = side_valid_reg;

    if (m_axis_tready || !main_valid_reg) begin
        // the main register is free at the next edge: the parked beat goes first
        main_data_next = side_valid_reg ? side_data_reg : s_axis_tdata;
        main_last_next = side_valid_reg ? side_last_reg : s_axis_tlast;
        main_valid_next = side_valid_reg || s_axis_tvalid;
        side_valid_next = 1'b0;
    end else if (!side_valid_reg) begin
        side_data_next = s_axis_tdata;
        side_last_next = s_axis_tlast;
        side_valid_next = s_axis_tvalid;
    end
end

always @(posedge clk) begin
    main_data_reg <= main_data_next;
    main_last_reg <= main_last_next;
    main_valid_reg <= main_valid_next;
    side_data_reg <= side_data_next;
    side_last_reg <= side_last_next;
    side_valid_reg <= side_valid_next;

    if (rst) begin
        main_valid_reg <= 1'b0;
        side_valid_reg <= 1'b0;
    end
end

endmodule

`resetall
